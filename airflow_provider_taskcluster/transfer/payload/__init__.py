"""Payloads: all artifacts of one run, or those below one name prefix.

Names in a payload are relative to its root. Files are *selected* by names, which are *resolved* to stored names, and
patterns. They are streamed in *chunks*, or downloaded to a *destination*: a folder of this machine or of a storage. A
*manifest* beside the files says how each was verified.
"""

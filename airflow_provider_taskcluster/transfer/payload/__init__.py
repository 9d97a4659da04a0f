"""Payloads: the artifacts of one run, or those below one folder of names in it, taken together.

Names in a payload are relative to its root. What is asked for is *resolved* to the names that are stored, *selected*
by patterns, and either streamed in *chunks* or brought into a *place*: a folder of this machine or of a storage. A
*ledger* beside the files knows what is there and by what it was verified.
"""

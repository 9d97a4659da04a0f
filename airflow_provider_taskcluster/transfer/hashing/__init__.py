"""Digests of transferred bytes, computed in parallel with the I/O."""

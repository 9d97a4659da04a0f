"""Digests of the bytes, calculated beside the I/O."""

"""Readers of archives, which are taken as hostile, and their extraction into a folder."""

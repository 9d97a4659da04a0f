"""Waits for late entries of the emulator's journal, such as those of connections that were cut."""

from __future__ import annotations

import time

PATIENCE = 5.0


def at_least(count, entries):
    """Wait for a number of entries and return them, or those there are after a time-out."""
    until = time.monotonic() + PATIENCE
    while len(found := entries()) < count and time.monotonic() < until:
        time.sleep(0.01)
    return found

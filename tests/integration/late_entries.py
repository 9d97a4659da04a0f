"""Entries of the emulator's journal that may be late: the store tells of a connection that was cut a moment later."""

from __future__ import annotations

import time

PATIENCE = 5.0


def at_least(count, entries):
    """Return the entries as soon as there are so many, or what there is after a while."""
    until = time.monotonic() + PATIENCE
    while len(found := entries()) < count and time.monotonic() < until:
        time.sleep(0.01)
    return found

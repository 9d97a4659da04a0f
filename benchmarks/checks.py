"""Checks that a contender did its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import world
from .sources import MIB

if TYPE_CHECKING:
    from pathlib import Path


def check_sent(sent: int, size: int) -> None:
    """Raise ContenderFailed unless between 1 and 1.01 times the bytes were sent."""
    if not size <= sent <= size * 1.01 + MIB:
        raise world.ContenderFailed(f"{size} bytes were to arrive, and {sent} did")


def check_size(file: Path, size: int) -> None:
    """Raise ContenderFailed unless a file has the right size (our contender also verifies digests)."""
    actual = file.stat().st_size if file.exists() else None
    if actual != size:
        raise world.ContenderFailed(f"{size} bytes were to arrive, but there are {actual}")

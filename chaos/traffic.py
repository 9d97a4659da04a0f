"""Counts of bytes and faults, in a file that outlives the counting process."""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_COUNTS = struct.Struct("<QQ")


@dataclass(frozen=True)
class Counts:
    """Totals since the file was made.

    :param moved: Bytes of bodies that the store received and sent.
    :param struck: Requests and calls that got a fault.
    """

    moved: int = 0
    struck: int = 0


class Traffic:
    """Counter in a file, for one thread of one process at a time."""

    def __init__(self, path: Path) -> None:
        with path.open("ab+") as file:
            if file.tell() < _COUNTS.size:
                file.truncate(_COUNTS.size)
            self._memory = mmap.mmap(file.fileno(), _COUNTS.size)

    def add(self, *, moved: int = 0, struck: int = 0) -> None:
        """Add to the totals."""
        counts = self.counts()
        _COUNTS.pack_into(self._memory, 0, counts.moved + moved, counts.struck + struck)

    def counts(self) -> Counts:
        """Return the totals."""
        return Counts(*_COUNTS.unpack_from(self._memory))

    def close(self) -> None:
        """Close the file."""
        self._memory.close()

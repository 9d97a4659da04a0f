"""How the readers of sources are read: into memory that is used again.

New memory for each block costs the kernel as much time as the copying of its bytes.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from typing import Protocol, cast


class Reader(Protocol):
    """What a source is read through. ``close`` is called when it has one."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most ``size``; none at the end."""


class FillingReader(ABC):
    """A reader of ours, around another one; ``fill`` reads through it without new memory."""

    @abstractmethod
    def readinto(self, buffer: memoryview, /) -> int:
        """Put the next bytes into the buffer; return how many."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most ``size``; none at the end."""
        data = bytearray(size)
        count = self.readinto(memoryview(data))
        return bytes(data[:count])


# Exactly these: what derives from them, or wraps them, may have changed ``read`` alone.
_FILLING = (io.FileIO, io.BytesIO, io.BufferedReader)


def fill(reader: Reader, buffer: memoryview) -> int:
    """Put the next bytes of a reader into the buffer; return how many, 0 at the end."""
    if isinstance(reader, FillingReader) or type(reader) in _FILLING:
        return cast("FillingReader", reader).readinto(buffer) or 0
    data = reader.read(len(buffer))
    buffer[: len(data)] = data
    return len(data)

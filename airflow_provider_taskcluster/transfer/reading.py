"""How the readers of sources are read: into memory that is used again.

New memory for each block costs the kernel as much time as the copying of its bytes.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol, cast

from airflow_provider_taskcluster.transfer.config import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator


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


def blocks(reader: Reader) -> Iterator[memoryview]:
    """Read to the end in blocks of 1 MiB, each of which holds until the next one is asked for."""
    buffer = memoryview(bytearray(MIB))
    while count := fill(reader, buffer):
        yield buffer[:count]

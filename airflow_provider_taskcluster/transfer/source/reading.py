"""Reads from readers of sources, into memory that is reused.

New memory for each block would cost the kernel as much time as copying the bytes.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeVar, cast

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.transfer.config import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator


_Read = TypeVar("_Read", int, bytes)


class Reader(Protocol):
    """Reads a source from its first byte. ``close`` is called if it exists."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most ``size``; ``b""`` at the end."""


def checked_position(file: BinaryIO) -> int:
    """Return the position of a file, after checking that it can really seek.

    :raises Exception: It cannot; each kind of file has errors of its own.
    """
    start = file.tell()
    file.seek(0, io.SEEK_END)
    file.seek(start)
    if not isinstance(start, int) or file.tell() != start:
        raise OSError("it does not seek to where it stood")
    return start


class FillingReader(ABC):
    """Base of our readers; ``fill`` reads from them without new memory."""

    @abstractmethod
    def readinto(self, buffer: memoryview, /) -> int:
        """Read the next bytes into the buffer; return their number, 0 at the end."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most ``size``; ``b""`` at the end."""
        data = bytearray(size)
        count = self.readinto(memoryview(data))
        return bytes(data[:count])


# Exactly these types: a subclass may override ``read`` but not ``readinto``.
_FILLING = (io.FileIO, io.BytesIO, io.BufferedReader)


def fill(reader: Reader, buffer: memoryview) -> int:
    """Read the next bytes of a reader into the buffer; return their number, 0 at the end.

    :raises InvalidInput: The reader is non-blocking, and has no bytes now.
    """
    if isinstance(reader, FillingReader) or type(reader) in _FILLING:
        count: int | None = cast("FillingReader", reader).readinto(buffer)
        return _require_blocking(count)
    data = _require_blocking(cast("bytes | None", reader.read(len(buffer))))
    buffer[: len(data)] = data
    return len(data)


def _require_blocking(result: _Read | None) -> _Read:
    if result is None:
        raise InvalidInput(
            "The source has no bytes now, and is not at its end: it is open in non-blocking mode. "
            "Open it in blocking mode (os.set_blocking), or pass a path"
        )
    return result


def read_up_to(reader: Reader, size: int) -> memoryview:
    """Read ``size`` bytes into memory, fewer if the reader ends before."""
    buffer = memoryview(bytearray(size))
    end = 0
    while end < size and (count := fill(reader, buffer[end : end + MIB])):
        end += count
    return buffer[:end]


def has_more(reader: Reader) -> bool:
    """Return whether a reader has more bytes. It consumes one."""
    return bool(read_up_to(reader, 1))


def blocks(reader: Reader, size: int = MIB) -> Iterator[memoryview]:
    """Read to the end in blocks, each of which is valid until the next one is requested.

    :param size: Bytes of a block; for a small source no more than its length, since new memory costs more than the
        rest of the work.
    """
    buffer = memoryview(bytearray(size))
    while count := fill(reader, buffer):
        yield buffer[:count]

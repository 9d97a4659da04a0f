"""How the readers of sources are read: into memory that is used again.

New memory for each block costs the kernel as much time as the copying of its bytes.
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
    """What a source is read through. ``close`` is called when it has one."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most ``size``; none at the end."""


def checked_position(file: BinaryIO) -> int:
    """Return where a file stands that says it can seek, and hold it to that.

    :raises Exception: It cannot; each kind of file has errors of its own.
    """
    start = file.tell()
    file.seek(0, io.SEEK_END)
    file.seek(start)
    if not isinstance(start, int) or file.tell() != start:
        raise OSError("it does not seek to where it stood")
    return start


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
    """Put the next bytes of a reader into the buffer; return how many, 0 at the end.

    :raises InvalidInput: The reader does not wait for its bytes, so that it has none now and is not at its end.
    """
    if isinstance(reader, FillingReader) or type(reader) in _FILLING:
        count: int | None = cast("FillingReader", reader).readinto(buffer)
        return _waited_for(count)
    data = _waited_for(cast("bytes | None", reader.read(len(buffer))))
    buffer[: len(data)] = data
    return len(data)


def _waited_for(result: _Read | None) -> _Read:
    if result is None:
        raise InvalidInput(
            "The source has no bytes now, and is not at its end: it is open in non-blocking mode. "
            "Open it in blocking mode (os.set_blocking), or pass a path"
        )
    return result


def read_up_to(reader: Reader, size: int) -> memoryview:
    """Read so many bytes into memory, fewer where the reader ends before."""
    buffer = memoryview(bytearray(size))
    end = 0
    while end < size and (count := fill(reader, buffer[end : end + MIB])):
        end += count
    return buffer[:end]


def has_more(reader: Reader) -> bool:
    """Tell whether a reader is not at its end. Takes a byte."""
    return bool(read_up_to(reader, 1))


def blocks(reader: Reader, size: int = MIB) -> Iterator[memoryview]:
    """Read to the end in blocks, each of which holds until the next one is asked for.

    :param size: Bytes of each; no more than there are, since new memory costs more than all the rest of a small source.
    """
    buffer = memoryview(bytearray(size))
    while count := fill(reader, buffer):
        yield buffer[:count]

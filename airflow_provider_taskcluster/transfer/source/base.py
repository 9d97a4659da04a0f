"""Sources: the bytes of an upload. A source can be opened repeatedly, always at its first byte."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from contextlib import contextmanager
from errno import EACCES, EINVAL, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EPERM
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.transfer.source.errors import source_errors
from airflow_provider_taskcluster.transfer.source.local_paths import path_text
from airflow_provider_taskcluster.transfer.source.reading import FillingReader, Reader, checked_position, fill

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator


# Errors of a path that are the same at any time.
_PERMANENT_ERRNOS = {ENOENT, ENOTDIR, EISDIR, EACCES, EPERM, ENAMETOOLONG, ELOOP, EINVAL}


class Source(ABC):
    """Bytes that can be read more than once.

    ``description`` names the source in errors; ``independent`` is True if several readers can be open at once.
    """

    description: str
    independent = False

    @abstractmethod
    def open(self) -> Reader:
        """Return a fresh reader at the first byte."""

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Open a reader for the length of a ``with`` block."""
        reader = self.open()
        try:
            yield reader
        finally:
            self.close(reader)

    def close(self, reader: Reader) -> None:
        """Close a reader."""
        if close := getattr(reader, "close", None):
            close()

    def length(self) -> int | None:
        """Return the length in bytes, None if only reading all of them would tell."""
        return None

    def section(self, offset: int, size: int) -> Source | None:
        """Return a piece as a source of its own, None if this source can only be read in order."""
        return None


class BytesSource(Source):
    """Bytes in memory."""

    description = "bytes in memory"
    independent = True

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self._data = memoryview(bytes(data))  # copies what the caller could change

    @classmethod
    def without_copy(cls, data: memoryview) -> Self:
        """Return a source of memory that nobody changes, without copying it."""
        source = cls(b"")
        source._data = data
        return source

    def open(self) -> Reader:
        return _MemoryReader(self._data)

    def length(self) -> int:
        return len(self._data)

    def section(self, offset: int, size: int) -> Source:
        return self.without_copy(self._data[offset : offset + size])


class _MemoryReader(FillingReader):
    """Reads memory in place; ``io.BytesIO`` would copy anything but ``bytes``."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._offset = 0

    def readinto(self, buffer: memoryview, /) -> int:
        data = self._data[self._offset : self._offset + len(buffer)]
        buffer[: len(data)] = data
        self._offset += len(data)
        return len(data)

    def seek(self, offset: int) -> None:
        """Move to an offset."""
        self._offset = offset


class PathSource(Source):
    """A local file, named by its path."""

    independent = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path_text(path))
        self.description = f"file {str(self._path)!r}"
        with self._explained():
            exists = self._path.exists()
        if not exists:
            raise InvalidInput(f"There is no {self.description} to upload")
        if not self._path.is_file():
            raise InvalidInput(f"{str(self._path)!r} is not a file: name one file to upload")

    def open(self) -> Reader:
        with self._explained():
            return self._path.open("rb", buffering=0)

    def length(self) -> int:
        with self._explained():
            return self._path.stat().st_size

    def section(self, offset: int, size: int) -> Source:
        return SectionSource(self, offset, size)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Raise InvalidInput for permanent errors of the path, SourceError for others, such as too many open files."""
        with source_errors(self.description):
            try:
                yield
            except OSError as error:
                if error.errno not in _PERMANENT_ERRNOS:
                    raise
                reason = f"The {one_line(self.description, 300)} cannot be read: {error.strerror}"
                raise InvalidInput(f"{reason}; name a file to upload that can be") from None


class SectionSource(Source):
    """A piece of a source whose readers can seek."""

    def __init__(self, whole: Source, offset: int, size: int) -> None:
        self.description = whole.description
        self.independent = whole.independent
        self._whole = whole
        self._offset = offset
        self._size = size

    def open(self) -> Reader:
        reader = cast("BinaryIO", self._whole.open())
        reader.seek(self._offset)
        return _LimitedReader(reader, self._size)


class _LimitedReader(FillingReader):
    """Ends after ``left`` bytes."""

    def __init__(self, reader: BinaryIO, left: int) -> None:
        self._reader = reader
        self._left = left
        self.close = reader.close

    def readinto(self, buffer: memoryview, /) -> int:
        count = fill(self._reader, buffer[: self._left])
        self._left -= count
        return count


class FileSource(Source):
    """A file opened by the caller, from its current position. It is left open."""

    def __init__(self, file: BinaryIO) -> None:
        self.description = f"open file {getattr(file, 'name', '')!r}"
        with capability_errors(self.description):
            readable, seekable = file.readable(), file.seekable()
            start = checked_position(file) if readable and seekable else 0
        if not readable:
            raise InvalidInput(f"The {self.description} is not open for reading: open it in the mode 'rb'")
        if not seekable:
            raise InvalidInput(
                f"The {self.description} cannot seek, and an upload reads twice (to hash, to send): "
                f"pass a path, or a function that returns a fresh reader, or upload it with multipart='always'"
            )
        self._file = file
        self._start = start

    def open(self) -> Reader:
        self._file.seek(self._start)
        return self._file

    def length(self) -> int:
        self._file.seek(0, io.SEEK_END)
        return max(0, self._file.tell() - self._start)

    def close(self, reader: Reader) -> None:
        """Leave it to its owner."""


@contextmanager
def capability_errors(description: str) -> Iterator[None]:
    """Turn errors of a file's ``readable``, ``seekable`` and ``seek`` into InvalidInput."""
    try:
        yield
    except Exception as error:  # each kind of file has errors of its own
        raise InvalidInput(
            f"The {one_line(description, 300)} is not what it says it is ({one_line(error)}): pass a path, or a "
            f"function that returns a fresh reader"
        ) from error


class StreamSource(Source):
    """A stream that can be read only once, such as a pipe. It is left open."""

    def __init__(self, reader: Reader) -> None:
        self.description = f"stream {getattr(reader, 'name', '')!r}"
        self._reader = reader

    def open(self) -> Reader:
        return self._reader

    def close(self, reader: Reader) -> None:
        """Leave it to its owner."""


class FactorySource(Source):
    """A function that returns a fresh reader for each call."""

    description = "reader of the given factory"

    def __init__(self, factory: Callable[[], Reader]) -> None:
        self._factory = factory

    def open(self) -> Reader:
        return self._factory()

"""Bytes in a temporary file that has no name, so that a process which is killed leaves nothing behind."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, BinaryIO, cast

from airflow_provider_taskcluster.transfer.sink.base import Sink, destination_errors
from airflow_provider_taskcluster.transfer.sink.file_writer import FileWriter
from airflow_provider_taskcluster.transfer.source.base import SectionSource, Source
from airflow_provider_taskcluster.transfer.source.reading import FillingReader

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from airflow_provider_taskcluster.transfer.source.reading import Reader


class TemporarySink(Sink):
    """Writes to a temporary file, in order or at any place. ``size`` is its length in bytes.

    :raises DestinationError: The file cannot be made.
    """

    seekable = True

    def __init__(self) -> None:
        with _explained():
            opened = tempfile.TemporaryFile(prefix="taskcluster-", buffering=0)  # noqa: SIM115 (closed by ``close``)
        self.file = cast("BinaryIO", opened)
        self.size = 0
        self._writer = FileWriter(self.file.fileno())

    def begin(self, size: int | None) -> None:
        """Start with an empty file."""
        self.discard()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append bytes."""
        self.write_at(self.size, memoryview(data))
        self.size += len(data)

    def reserve(self, size: int) -> None:
        """Make room for ``size`` bytes in all."""
        with _explained():
            self.file.truncate(size)
        self.size = size

    def write_at(self, offset: int, data: memoryview) -> None:
        """Write at a place; from many threads at once."""
        self.file.fileno()  # a late thread must not write to a file that has the same descriptor now
        with _explained():
            self._writer.write_at(offset, data)

    def commit(self) -> None:
        """Keep the bytes until ``close``."""

    def discard(self) -> None:
        """Empty the file."""
        with _explained():
            self.file.truncate(0)
        self.size = 0

    def close(self) -> None:
        """Delete the file."""
        self.file.close()


class TemporarySource(Source):
    """The bytes of a ``TemporarySink``, as long as that is not closed.

    :param description: Names it in errors.
    """

    independent = True

    def __init__(self, content: TemporarySink, description: str) -> None:
        self.description = description
        self._content = content

    def open(self) -> Reader:
        """Return a fresh reader at the first byte."""
        return _Reader(self._content.file)

    def length(self) -> int:
        """Return how many bytes there are."""
        return self._content.size

    def section(self, offset: int, size: int) -> Source:
        """Return a piece as a source of its own."""
        return SectionSource(self, offset, size)


class _Reader(FillingReader):
    """Reads from its own place, without moving that of the open file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._at = 0

    def readinto(self, buffer: memoryview, /) -> int:
        count = os.preadv(self._file.fileno(), [buffer], self._at)
        self._at += count
        return count

    def seek(self, offset: int) -> None:
        """Go there."""
        self._at = offset

    def close(self) -> None:
        """Leave the file open for other readers."""


def _explained() -> AbstractContextManager[None]:
    return destination_errors(
        f"a temporary file in {tempfile.tempdir or 'the folder for temporary files'} (TMPDIR names it)"
    )

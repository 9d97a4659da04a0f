"""A sink and source in an unnamed temporary file, of which a killed process leaves nothing behind."""

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
    """Writes to a temporary file, in order or at any offset. ``size`` is its length in bytes.

    :raises DestinationError: The file cannot be created.
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
        """Set the length to ``size`` bytes."""
        with _explained():
            self.file.truncate(size)
        self.size = size

    def write_at(self, offset: int, data: memoryview) -> None:
        """Write at an offset; called from many threads at once."""
        self.file.fileno()  # a late thread must not write to another file with the same descriptor
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
    """Reads the bytes of a ``TemporarySink``, until that is closed.

    :param description: Name of the source in errors.
    """

    independent = True

    def __init__(self, content: TemporarySink, description: str) -> None:
        self.description = description
        self._content = content

    def open(self) -> Reader:
        """Return a fresh reader at the first byte."""
        return _Reader(self._content.file)

    def length(self) -> int:
        """Return the length in bytes."""
        return self._content.size

    def section(self, offset: int, size: int) -> Source:
        """Return a piece as a source of its own."""
        return SectionSource(self, offset, size)


class _Reader(FillingReader):
    """Reads at a position of its own, without moving that of the open file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._offset = 0

    def readinto(self, buffer: memoryview, /) -> int:
        count = os.preadv(self._file.fileno(), [buffer], self._offset)
        self._offset += count
        return count

    def seek(self, offset: int) -> None:
        """Move to an offset."""
        self._offset = offset

    def close(self) -> None:
        """Leave the file open for other readers."""


def _explained() -> AbstractContextManager[None]:
    return destination_errors(
        f"a temporary file in {tempfile.tempdir or 'the folder for temporary files'} (TMPDIR names it)"
    )

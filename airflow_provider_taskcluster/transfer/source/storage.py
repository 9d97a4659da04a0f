"""A file in a file system of fsspec as the source of an upload."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from airflow_provider_taskcluster.exceptions import InvalidInput, SourceError, TaskclusterError
from airflow_provider_taskcluster.transfer.config import MIB
from airflow_provider_taskcluster.transfer.source.base import PathSource, SectionSource, Source
from airflow_provider_taskcluster.transfer.storage_paths import reason_of, storage_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_taskcluster.transfer.source.reading import Reader
    from airflow_provider_taskcluster.transfer.storage_paths import StorageFile, StoragePath

# Read ahead: each request for a piece of an object costs a round trip.
READ_AHEAD_SIZE = 8 * MIB


def storage_source(place: StoragePath) -> Source:
    """Return the source of a file to upload.

    :raises InvalidInput: There is no such file.
    :raises SourceError: It cannot be looked at.
    """
    file = storage_file(place)
    return PathSource(file.path) if file.local else StorageSource(file)


class StorageSource(Source):
    """A file in a file system of fsspec, read in order or in pieces.

    It is not ``independent``: what is measured is not read a second time over the network by another thread.
    """

    def __init__(self, file: StorageFile) -> None:
        self.description = f"file {file.url!r}"
        self._file = file
        with self._explained():
            file.fs.invalidate_cache(file.path)  # it may have been written since somebody looked
            facts = file.fs.info(file.path)
        if facts["type"] == "directory":
            raise InvalidInput(f"{file.url!r} is not a file: name one file to upload")
        self._length: int | None = facts.get("size")

    def open(self) -> Reader:
        with self._explained():
            return _Reader(self, self._file.fs.open(self._file.path, "rb", block_size=READ_AHEAD_SIZE))

    def length(self) -> int | None:
        return self._length

    def section(self, offset: int, size: int) -> Source | None:
        return None if self._length is None else SectionSource(self, offset, size)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what a file system raises into a sentence."""
        try:
            yield
        except TaskclusterError:
            raise
        except FileNotFoundError:
            raise InvalidInput(f"There is no {self.description} to upload") from None
        except Exception as error:
            raise SourceError(f"The {self.description} cannot be read: {reason_of(error)}") from error


class _Reader:
    """An open file whose errors are ours."""

    def __init__(self, source: StorageSource, file: BinaryIO) -> None:
        self._source = source
        self._file = file

    def read(self, size: int, /) -> bytes:
        with self._source._explained():  # noqa: SLF001 (of the same file)
            return self._file.read(size)

    def seek(self, offset: int) -> None:
        """Go there."""
        with self._source._explained():  # noqa: SLF001 (of the same file)
            self._file.seek(offset)

    def close(self) -> None:
        """Let it go."""
        self._file.close()

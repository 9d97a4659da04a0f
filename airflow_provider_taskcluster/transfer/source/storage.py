"""A file in an fsspec file system, as the source of an upload."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from airflow_provider_taskcluster.exceptions import InvalidInput, SourceError
from airflow_provider_taskcluster.transfer.config import MIB
from airflow_provider_taskcluster.transfer.source.base import PathSource, SectionSource, Source
from airflow_provider_taskcluster.transfer.storage_paths import storage_errors, storage_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_taskcluster.transfer.source.reading import Reader
    from airflow_provider_taskcluster.transfer.storage_paths import StorageFile, StoragePath

# Bytes to read ahead: each request for a piece of an object costs a round trip.
READ_AHEAD_SIZE = 8 * MIB


def storage_source(path: StoragePath) -> Source:
    """Return the source for a path in an fsspec file system.

    :raises InvalidInput: There is no such file.
    :raises SourceError: The file system does not answer.
    """
    file = storage_file(path)
    return PathSource(file.path) if file.local else StorageSource(file)


class StorageSource(Source):
    """A file in an fsspec file system, read in order or in pieces.

    It is not ``independent``, so that no other thread reads it over the network a second time.
    """

    def __init__(self, file: StorageFile) -> None:
        self.description = f"file {file.url!r}"
        self._file = file
        with self._explained():
            file.fs.invalidate_cache(file.path)  # the cached entry may be outdated
            info = file.fs.info(file.path)
        if info["type"] == "directory":
            raise InvalidInput(f"{file.url!r} is not a file: name one file to upload")
        self._length: int | None = info.get("size")

    def open(self) -> Reader:
        with self._explained():
            return _Reader(self, self._file.fs.open(self._file.path, "rb", block_size=READ_AHEAD_SIZE))

    def length(self) -> int | None:
        return self._length

    def section(self, offset: int, size: int) -> Source | None:
        return None if self._length is None else SectionSource(self, offset, size)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn errors of the file system into errors of ours."""
        try:
            with storage_errors(SourceError, f"The {self.description} cannot be read", kept=(FileNotFoundError,)):
                yield
        except FileNotFoundError:
            raise InvalidInput(f"There is no {self.description} to upload") from None


class _Reader:
    """An open file that raises errors of ours."""

    def __init__(self, source: StorageSource, file: BinaryIO) -> None:
        self._source = source
        self._file = file

    def read(self, size: int, /) -> bytes:
        with self._source._explained():  # noqa: SLF001 (of the same file)
            return self._file.read(size)

    def seek(self, offset: int) -> None:
        """Move to an offset."""
        with self._source._explained():  # noqa: SLF001 (of the same file)
            self._file.seek(offset)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

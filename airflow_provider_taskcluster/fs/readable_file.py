"""File object for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fsspec.spec import AbstractBufferedFile

if TYPE_CHECKING:
    from fsspec.spec import AbstractFileSystem

    from airflow_provider_taskcluster.transfer.download.stored_file import StoredFile


class ReadableFile(AbstractBufferedFile):  # type: ignore[misc]  # fsspec has no types
    """Reads a file in blocks, so that small reads do not become small requests.

    Content that is read in order, from the first byte to the last, is verified by the hashes that the service has: the
    last ``read`` raises ``HashMismatch`` if it differs. Random reads cannot be verified.

    :param opened: The opened object or artifact.
    :param block_size: Bytes to read ahead, 5 MiB by default.
    """

    def __init__(
        self, fs: AbstractFileSystem, path: str, opened: StoredFile, block_size: int | None, **options: Any
    ) -> None:
        self._opened = opened
        super().__init__(fs, path, "rb", block_size, size=opened.size, **options)
        self.content_type = opened.content_type

    def close(self) -> None:
        """Close the file and its connection."""
        super().close()
        self._opened.close()

    def _fetch_range(self, start: int, end: int) -> bytes:
        return self._opened.between(start, end)

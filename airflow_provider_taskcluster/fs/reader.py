"""A file that is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fsspec.spec import AbstractBufferedFile

if TYPE_CHECKING:
    from fsspec.spec import AbstractFileSystem

    from airflow_provider_taskcluster.transfer.download.opened import StoredFile


class ReadableFile(AbstractBufferedFile):  # type: ignore[misc]  # fsspec has no types
    """Reads ahead in blocks, so that small reads do not become small requests.

    What is read from the first byte to the last, in order, is verified by the hashes that the service names: the last
    ``read`` raises ``HashMismatch`` if it is not what was uploaded. What is read here and there cannot be verified.

    :param opened: Its content.
    :param block_size: Bytes to read ahead, 5 MiB by default.
    """

    def __init__(
        self, fs: AbstractFileSystem, path: str, opened: StoredFile, block_size: int | None, **options: Any
    ) -> None:
        self._opened = opened
        super().__init__(fs, path, "rb", block_size, size=opened.size, **options)
        self.content_type = opened.content_type

    @property
    def details(self) -> dict[str, Any]:
        """Facts of the file as it was opened."""
        return {"name": self.path, "size": self.size, "type": "file", "content_type": self.content_type}

    def close(self) -> None:
        """Let go of it."""
        super().close()
        self._opened.close()

    def _fetch_range(self, start: int, end: int) -> bytes:
        return self._opened.between(start, end)

"""Compression and text layers of a file for writing; an error in a layer marks the file as failed."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_taskcluster.fs.writable_file import marks_failures

if TYPE_CHECKING:
    from airflow_provider_taskcluster.fs.writable_file import WritableFile


class CompressedFile(io.BufferedIOBase):
    """A compressor that also closes its file, which fsspec's compressors leave open."""

    def __init__(self, compressor: Any, file: WritableFile) -> None:
        self._compressor = compressor
        self._file = file
        self.mark_failed = file.mark_failed

    def writable(self) -> bool:
        """Return True."""
        return True

    @marks_failures
    def write(self, data: Any, /) -> int:
        """Compress and write bytes."""
        return int(self._compressor.write(data))

    writelines = marks_failures(io.BufferedIOBase.writelines)

    def close(self) -> None:
        """Write the end of the compressed data, and close the file."""
        if not self.closed:
            super().close()
            try:
                self._compressor.close()
            finally:
                self._file.close()

    def __del__(self) -> None:
        if not self.closed:
            self._dealloc_warn(self)
            self.close()

    def _dealloc_warn(self, _: object) -> None:
        self._file._dealloc_warn(self)  # noqa: SLF001 (as Python's own files do)


class TextFile(io.TextIOWrapper):
    """A text layer; a failed write, such as of text that cannot be encoded, marks the file as failed."""

    def mark_failed(self, error: BaseException) -> None:
        """Mark the file as failed: it will not be uploaded."""
        cast("WritableFile | CompressedFile", self.buffer).mark_failed(error)

    write = marks_failures(io.TextIOWrapper.write)
    writelines = marks_failures(io.TextIOWrapper.writelines)  # type: ignore[assignment]  # typeshed gives it two types

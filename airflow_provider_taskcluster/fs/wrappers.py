"""Compression and text around a file that is written: what fails in them spoils the file below."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_taskcluster.fs.writer import spoiling

if TYPE_CHECKING:
    from airflow_provider_taskcluster.fs.writer import WritableFile


class CompressedFile(io.BufferedIOBase):
    """A compressor that closes the file below it as well, which those of fsspec leave open."""

    def __init__(self, compressor: Any, below: WritableFile) -> None:
        self._compressor = compressor
        self._below = below
        self.spoil = below.spoil

    def writable(self) -> bool:
        """It is."""
        return True

    @spoiling
    def write(self, data: Any, /) -> int:
        """Take the next bytes."""
        return int(self._compressor.write(data))

    writelines = spoiling(io.BufferedIOBase.writelines)

    def close(self) -> None:
        """Write the end, and close the file below."""
        if not self.closed:
            super().close()
            try:
                self._compressor.close()
            finally:
                self._below.close()

    def __del__(self) -> None:
        if not self.closed:
            self._dealloc_warn(self)
            self.close()

    def _dealloc_warn(self, _: object) -> None:
        self._below._dealloc_warn(self)  # noqa: SLF001 (as Python's own files do)


class TextFile(io.TextIOWrapper):
    """Text whose failed writes, such as of what cannot be encoded, spoil the file below."""

    def spoil(self, error: BaseException) -> None:
        """Upload nothing of the file below any more."""
        cast("WritableFile | CompressedFile", self.buffer).spoil(error)

    write = spoiling(io.TextIOWrapper.write)
    writelines = spoiling(io.TextIOWrapper.writelines)  # type: ignore[assignment]  # typeshed gives it two types

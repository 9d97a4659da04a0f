"""A source wrapper that aborts reads once the overall upload has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, cast

from airflow_provider_taskcluster.exceptions import Interrupted
from airflow_provider_taskcluster.transfer.source.base import Source
from airflow_provider_taskcluster.transfer.source.reading import FillingReader, Reader, fill

if TYPE_CHECKING:
    from airflow_provider_taskcluster.transfer.threads.buffers import Failure


class AbortableSource(Source):
    """Reads another source, until the overall upload fails."""

    def __init__(self, source: Source, failure: Failure | None) -> None:
        self.description = source.description
        self.independent = source.independent
        self._source = source
        self._failure = failure

    def open(self) -> Reader:
        return _AbortableReader(self._source.open(), self._failure)

    def length(self) -> int | None:
        return self._source.length()

    def section(self, offset: int, size: int) -> Source | None:
        section = self._source.section(offset, size)
        return section and AbortableSource(section, self._failure)


class _AbortableReader(FillingReader):
    def __init__(self, reader: Reader, failure: Failure | None) -> None:
        self._reader = reader
        self._failure = failure

    def readinto(self, buffer: memoryview, /) -> int:
        if self._failure and self._failure.error:
            # Not the original error, which this part would take for its own and retry.
            raise Interrupted("The sending of a part was ended, because the upload has failed")
        return fill(self._reader, buffer)

    def seek(self, offset: int) -> None:
        """Move to an offset; the wrapped reader must support it."""
        cast("BinaryIO", self._reader).seek(offset)

    def close(self) -> None:
        getattr(self._reader, "close", lambda: None)()

"""File object for writing: a local temporary file that is uploaded as an object when it is closed."""

from __future__ import annotations

import functools
import io
import logging
import sys
from typing import TYPE_CHECKING, Any, TypeVar, cast

from airflow_provider_taskcluster.common.messages import one_line, visible
from airflow_provider_taskcluster.exceptions import TaskclusterError
from airflow_provider_taskcluster.fs.errors import WriteFailed, failed_writes
from airflow_provider_taskcluster.transfer.config import KIB
from airflow_provider_taskcluster.transfer.sink.spool import TemporarySink, TemporarySource

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.transfer.source.base import Source

log = logging.getLogger(__name__)

# Size of the write buffer in memory.
BUFFER = 64 * KIB

_Method = TypeVar("_Method", bound="Callable[..., Any]")


def marks_failures(method: _Method) -> _Method:
    """Wrap a write method: an error marks the file as failed, so that an incomplete file is not uploaded."""

    @functools.wraps(method)
    def write(self: Any, *arguments: Any) -> Any:
        try:
            return method(self, *arguments)
        except BaseException as error:
            self.mark_failed(error)
            raise

    return cast("_Method", write)


class WritableFile(io.BufferedIOBase):
    """Writes to an unnamed temporary file; ``close`` uploads it.

    The file is not uploaded

    - after a failed write, even if its error was handled: ``close`` raises ``WriteFailed`` then;
    - if it is closed because of an error: at the end of a ``with`` block that raised, of this file or of a layer around
      it (text, compression, pandas, pyarrow), or while an error is handled that occurred after it was opened, which
      ``close`` raises again;
    - if it is never closed.

    :param path: Path of the object, for logs.
    :param upload: Function that uploads a source.
    :param autocommit: Upload on ``close``; if False, wait for ``commit`` (fsspec's transactions).
    :raises WriteFailed: The temporary file cannot be created.
    """

    mode = "wb"

    def __init__(self, path: str, upload: Callable[[Source], Any], *, autocommit: bool = True) -> None:
        self.path = path
        self.autocommit = autocommit
        self._upload = upload
        self._error_before = sys.exc_info()[1]
        self._failure: tuple[str, bool] | None = None  # message, and whether it is transient
        self._never_closed = False
        self._pending = bytearray()
        with failed_writes():
            self._content = TemporarySink()

    def writable(self) -> bool:
        """Return True."""
        return True

    @marks_failures
    def write(self, data: Any, /) -> int:
        """Write bytes.

        :raises WriteFailed: The temporary file cannot be written, such as on a full disk.
        """
        if self.closed:
            raise ValueError(f"{visible(self.path)} is closed")
        size = memoryview(data).nbytes
        if size < BUFFER:
            self._pending += data
        else:
            self.flush()
            with failed_writes():
                self._content.write(memoryview(data).cast("B"))
        if len(self._pending) >= BUFFER:
            self.flush()
        return size

    writelines = marks_failures(io.BufferedIOBase.writelines)

    @marks_failures
    def flush(self) -> None:
        """Write the buffer to the temporary file."""
        if self._pending:
            with failed_writes():
                self._content.write(self._pending)
            self._pending = bytearray()

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self._content.size + len(self._pending)

    def mark_failed(self, error: BaseException) -> None:
        """Mark the file as failed: it will not be uploaded."""
        if self._failure is None and not self.closed:
            reason = f"{type(error).__name__} while it was written: {one_line(error)}".removesuffix(": ")
            transient = error.transient if isinstance(error, TaskclusterError) else isinstance(error, OSError)
            self._failure = f"{self.path} is not uploaded, because of {reason}", transient

    def check(self) -> None:
        """Check that no write has failed.

        :raises WriteFailed: One has.
        """
        if self._failure is not None:
            message, transient = self._failure
            raise WriteFailed(message, transient=transient)

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Upload the file, unless an error ended the block."""
        if not self.closed:
            self._end(error)

    def close(self) -> None:
        """Upload the file, unless an error is being handled.

        That error is raised again, since it may be handled, and the file would be lost silently.

        :raises WriteFailed: An earlier write failed.
        """
        if self.closed:
            return
        error = sys.exc_info()[1]
        if error is self._error_before:
            error = None
        self._end(error)
        if error is not None:
            error.add_note(
                f"{visible(self.path)} was closed while this was handled, and is not uploaded: close it before or after"
            )
            raise error

    def _end(self, error: BaseException | None) -> None:
        if error is not None:
            self.mark_failed(error)
        self._stop_writing()
        if self._failure is None:
            if self.autocommit:
                self.commit()
            return
        self.discard()
        if not self._never_closed:
            log.warning("%s", visible(self._failure[0]))
            if error is None:
                self.check()

    def _stop_writing(self) -> None:
        """Close the file for writes, and flush the buffer; a failure marks the file as failed."""
        try:
            super().close()
        except WriteFailed:  # kept as the failure of the file, which commit and close report
            pass
        except BaseException:
            self._content.close()
            raise

    def commit(self) -> None:
        """Close the file for writes, and upload it.

        :raises WriteFailed: An earlier write failed.
        """
        self._stop_writing()
        try:
            self.check()
            self._upload(TemporarySource(self._content, f"content of {self.path!r}"))
        finally:
            self.discard()

    def discard(self) -> None:
        """Close the file for writes, and discard its content."""
        self._pending = bytearray()
        self._stop_writing()
        self._content.close()

    def __del__(self) -> None:
        if not self.closed and hasattr(self, "_content"):
            self._dealloc_warn(self)
            self.discard()

    def _dealloc_warn(self, _: object) -> None:
        """Mark the file as failed: Python calls this before it closes a layer that was never closed."""
        log.warning("%s is not uploaded, because it was never closed", visible(self.path))
        self.mark_failed(EOFError("it was never closed"))
        self._never_closed = True

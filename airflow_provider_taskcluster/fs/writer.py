"""A file that is written: kept on this machine until it is closed, then uploaded as an object."""

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
from airflow_provider_taskcluster.transfer.sink.temporary import TemporarySink, TemporarySource

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.transfer.source.base import Source

log = logging.getLogger(__name__)

# Smaller writes are collected in memory up to this size.
BUFFER = 64 * KIB

_Method = TypeVar("_Method", bound="Callable[..., Any]")


def spoiling(method: _Method) -> _Method:
    """Wrap a method that writes: an error of it spoils the file, so that what is missing is not uploaded unseen."""

    @functools.wraps(method)
    def write(self: Any, *arguments: Any) -> Any:
        try:
            return method(self, *arguments)
        except BaseException as error:
            self.spoil(error)
            raise

    return cast("_Method", write)


class WritableFile(io.BufferedIOBase):
    """Collects what is written in a temporary file without a name. ``close`` uploads it.

    Nothing is uploaded after a write that failed, even if its error was handled: ``close`` raises ``WriteFailed`` then.
    Nor is it when the file is closed because of an error: at the end of a ``with`` block that raised, of this file or
    of one around it (text, compression, pandas, pyarrow), or while an error is being handled that was not there when
    it was opened; the latter error rises again from ``close``. Neither is a file that was never closed.

    :param path: Where it goes, for logs.
    :param upload: Uploads a source.
    :param autocommit: Upload when it is closed; else wait for ``commit`` (fsspec's transactions).
    :raises WriteFailed: There is no room for a temporary file.
    """

    mode = "wb"

    def __init__(self, path: str, upload: Callable[[Source], Any], *, autocommit: bool = True) -> None:
        self.path = path
        self.autocommit = autocommit
        self._upload = upload
        self._error_before = sys.exc_info()[1]
        self._spoiled: tuple[str, bool] | None = None  # the sentence, and whether it may pass
        self._abandoned = False
        self._pending = bytearray()
        with failed_writes():
            self._content = TemporarySink()

    def writable(self) -> bool:
        """It is."""
        return True

    @spoiling
    def write(self, data: Any, /) -> int:
        """Take the next bytes.

        :raises WriteFailed: They cannot be kept, such as on a full disk.
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

    writelines = spoiling(io.BufferedIOBase.writelines)

    @spoiling
    def flush(self) -> None:
        """Write what is held in memory to the temporary file."""
        if self._pending:
            with failed_writes():
                self._content.write(self._pending)
            self._pending = bytearray()

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._content.size + len(self._pending)

    def spoil(self, error: BaseException) -> None:
        """Upload nothing of this file any more, because of an error."""
        if self._spoiled is None and not self.closed:
            reason = f"{type(error).__name__} while it was written: {one_line(error)}".removesuffix(": ")
            transient = error.transient if isinstance(error, TaskclusterError) else isinstance(error, OSError)
            self._spoiled = f"{self.path} is not uploaded, because of {reason}", transient

    def check(self) -> None:
        """Tell whether all that was written is there.

        :raises WriteFailed: It is not.
        """
        if self._spoiled is not None:
            sentence, transient = self._spoiled
            raise WriteFailed(sentence, transient=transient)

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Upload what was written, unless an error ended the block."""
        if not self.closed:
            self._end(error)

    def close(self) -> None:
        """Upload what was written, unless an error led here.

        Whether the error was handled cannot be seen. So it rises (again): what is not uploaded is not lost unseen.

        :raises WriteFailed: A write failed before.
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
            self.spoil(error)
        self._shut()
        if self._spoiled is None:
            if self.autocommit:
                self.commit()
            return
        self.discard()
        if not self._abandoned:
            log.warning("%s", visible(self._spoiled[0]))
            if error is None:
                self.check()

    def _shut(self) -> None:
        """Take no more, and write out what is in memory; a failure of that spoils the file."""
        try:
            super().close()
        except WriteFailed:
            pass
        except BaseException:
            self._content.close()
            raise

    def commit(self) -> None:
        """Upload it, and take no more.

        :raises WriteFailed: A write failed before.
        """
        self._shut()
        try:
            self.check()
            self._upload(TemporarySource(self._content, f"content of {self.path!r}"))
        finally:
            self.discard()

    def discard(self) -> None:
        """Forget what was written, and take no more."""
        self._pending = bytearray()
        self._shut()
        self._content.close()

    def __del__(self) -> None:
        if not self.closed and hasattr(self, "_content"):
            self._dealloc_warn(self)
            self.discard()

    def _dealloc_warn(self, _: object) -> None:
        """Upload nothing: Python calls this before it closes a file around this one that nobody closed."""
        log.warning("%s is not uploaded, because it was never closed", visible(self.path))
        self.spoil(EOFError("it was never closed"))
        self._abandoned = True

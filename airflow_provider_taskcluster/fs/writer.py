"""A file that is written: kept on this machine until it is closed, then uploaded as an object."""

from __future__ import annotations

import io
import logging
import sys
import tempfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)


class WritableFile(io.BufferedIOBase):
    """Collects what is written in a temporary file. ``close`` uploads it.

    Nothing is uploaded when the file is closed because of an error: at the end of a ``with`` block that raised, of
    this file or of one around it (text, compression, pandas, pyarrow), or while an error is being handled that was not
    there when it was opened; the latter error rises again from ``close``. Neither is a file that was never closed.

    :param path: Where it goes, for logs.
    :param upload: Uploads the file at a path.
    :param autocommit: Upload when it is closed; else wait for ``commit`` (fsspec's transactions).
    """

    mode = "wb"

    def __init__(self, path: str, upload: Callable[[str], Any], *, autocommit: bool = True) -> None:
        self.path = path
        self.autocommit = autocommit
        self._upload = upload
        self._error_before = sys.exc_info()[1]
        self._file = tempfile.NamedTemporaryFile(prefix="taskcluster-")  # noqa: SIM115 (closed by commit or discard)

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any, /) -> int:
        """Take the next bytes."""
        if self.closed:
            raise ValueError(f"{self.path} is closed")
        return self._file.write(data)

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._file.tell()

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Upload what was written, unless an error ended the block."""
        if not self.closed:
            self._end(error)

    def close(self) -> None:
        """Upload what was written, unless an error led here.

        Whether the error was handled cannot be seen. So it rises (again): what is not uploaded is not lost unseen.
        """
        if self.closed:
            return
        error = sys.exc_info()[1]
        if error is self._error_before:
            error = None
        self._end(error)
        if error is not None:
            error.add_note(
                f"{self.path} was closed while this was handled, and is not uploaded: close it before or after"
            )
            raise error

    def _end(self, error: BaseException | None) -> None:
        super().close()
        if error is not None:
            log.warning("%s is not uploaded, because of %s while it was written", self.path, type(error).__name__)
            self.discard()
        elif self.autocommit:
            self.commit()

    def commit(self) -> None:
        """Upload it, and take no more."""
        super().close()
        with self._file:
            self._file.flush()
            self._upload(self._file.name)

    def discard(self) -> None:
        """Forget what was written, and take no more."""
        super().close()
        self._file.close()

    def __del__(self) -> None:
        if not self.closed and hasattr(self, "_file"):
            log.warning("%s is not uploaded, because it was never closed", self.path)
            self.discard()


class CompressedFile(io.BufferedIOBase):
    """A compressor that closes the file below it as well, which those of fsspec leave open."""

    def __init__(self, compressor: Any, below: WritableFile) -> None:
        self._compressor = compressor
        self._below = below

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any, /) -> int:
        """Take the next bytes."""
        return int(self._compressor.write(data))

    def close(self) -> None:
        """Write the end, and close the file below."""
        if not self.closed:
            super().close()
            try:
                self._compressor.close()
            finally:
                self._below.close()

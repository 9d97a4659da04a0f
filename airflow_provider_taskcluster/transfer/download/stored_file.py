"""An object or artifact as a Python binary file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_taskcluster.common.tracebacks import short_tracebacks
from airflow_provider_taskcluster.transfer.config import MIB
from airflow_provider_taskcluster.transfer.download.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.transfer.download.random_access import RandomAccess

# Bytes that a small read fetches.
READ_AHEAD = 4 * MIB


class StoredFile(io.BufferedReader):
    """An object or artifact open for reading: an ``io.BufferedReader``, as ``open(path, "rb")`` returns one.

    For ``zipfile``, ``tarfile``, ``json.load``, pandas and others. Small reads fetch 4 MiB at a time. Content that is
    read in order from the first byte to the last is verified by the service's hashes: the last ``read`` raises
    ``HashMismatch`` if it is not what was uploaded. Reads out of order cannot be verified.

    :param name: Object or artifact name, and the file's ``name``.
    :param open_body: Opens the content, which is closed with the file.
    :param on_close: Called with the bytes and seconds of reading, the content's length, and ``verified``.
    """

    def __init__(
        self, name: str, open_body: Callable[[], RandomAccess], on_close: Callable[[Tally, int, str], None]
    ) -> None:
        tally = Tally()
        super().__init__(_Content(name, tally.timed(open_body), tally, on_close), READ_AHEAD)

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self._content.body.size

    @property
    def content_type(self) -> str:
        """Content type."""
        return self._content.body.content_type

    @property
    def body(self) -> RandomAccess:
        """Its content, to be read at any place, past the buffer."""
        return self._content.body

    def between(self, start: int, end: int) -> bytes:
        """Return the bytes from ``start`` up to ``end``, bypassing the buffer."""
        return self._content.between(start, end)

    def close(self) -> None:
        """Close the content. Bytes that were buffered but not returned do not count as read."""
        if not self.closed:
            self._content.tally.size -= max(0, self._content.tell() - self.tell())
        super().close()

    @property
    def _content(self) -> _Content:
        return cast("_Content", self.raw)


@short_tracebacks
class _Content(io.RawIOBase):
    """Unbuffered reader of the content; counts bytes and seconds."""

    mode = "rb"

    def __init__(
        self, name: str, body: RandomAccess, tally: Tally, on_close: Callable[[Tally, int, str], None]
    ) -> None:
        self.name = name
        self.body = body
        self.tally = tally
        self._on_close = on_close
        self._at = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move the position, as ``io.IOBase.seek``."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.body.size}[whence]
        if start + offset < 0:
            raise ValueError(f"There is no byte {start + offset:d} in {self.name!r}")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        """Fill the buffer, up to the end of the content."""
        with memoryview(buffer) as view, view.cast("B") as room:
            data = self._read(len(room))
            room[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """Read the rest with one request."""
        return self._read(self.body.size)

    def close(self) -> None:
        """Close the content."""
        if not self.closed:
            super().close()
            self.body.close()
            self._on_close(self.tally, self.body.size, self.body.verified)

    def between(self, start: int, end: int) -> bytes:
        """Return the bytes from ``start`` up to ``end``."""
        data = self.tally.timed(lambda: self.body.read(start, end))
        self.tally.size += len(data)
        return data

    def _read(self, size: int) -> bytes:
        data = self.between(self._at, self._at + size)
        self._at += len(data)
        return data

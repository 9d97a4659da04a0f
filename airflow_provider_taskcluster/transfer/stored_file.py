"""An object or artifact as a binary file of Python."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_taskcluster.transfer.config import MIB

if TYPE_CHECKING:
    from airflow_provider_taskcluster.transfer.random_access import RandomAccess

# Bytes that a small read fetches.
READ_AHEAD = 4 * MIB


class StoredFile(io.BufferedReader):
    """An object or artifact that is open for reading: an ``io.BufferedReader``, as ``open(path, "rb")`` returns one.

    For ``zipfile``, ``tarfile``, ``json.load``, pandas and others. Small reads fetch 4 MiB at a time. What is read from
    the first byte to the last, in order, is verified by the hashes that the service names: the last ``read`` raises
    ``HashMismatch`` if it is not what was uploaded. What is read here and there cannot be verified.

    :param name: Of the object or artifact; the ``name`` of the file.
    :param body: Its content, which is closed with the file.
    """

    def __init__(self, name: str, body: RandomAccess) -> None:
        super().__init__(_Content(name, body), READ_AHEAD)

    @property
    def body(self) -> RandomAccess:
        """The content, to be read from one place to another past the buffer."""
        return cast("_Content", self.raw).body

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self.body.size

    @property
    def content_type(self) -> str:
        """Content type."""
        return self.body.content_type


class _Content(io.RawIOBase):
    """Reads a content in the order in which it is asked."""

    mode = "rb"

    def __init__(self, name: str, body: RandomAccess) -> None:
        self.name = name
        self.body = body
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.body.size}[whence]
        if start + offset < 0:
            raise ValueError(f"There is no byte {start + offset:d} in {self.name!r}")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        """Read as many bytes as there are, and fit."""
        with memoryview(buffer) as view, view.cast("B") as room:
            data = self._read(len(room))
            room[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """Read the rest with one request."""
        return self._read(self.body.size)

    def close(self) -> None:
        """Let go of the content."""
        if not self.closed:
            super().close()
            self.body.close()

    def _read(self, size: int) -> bytes:
        data = self.body.read(self._at, self._at + size)
        self._at += len(data)
        return data

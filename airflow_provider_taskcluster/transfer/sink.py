"""Where the bytes of a download go. A sink can begin again from a clean state until it is committed.

Nothing unverified gets a final name: a path is written beside itself and renamed by ``commit``.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

from airflow_provider_taskcluster.exceptions import DestinationError, InvalidInput, TooLarge
from airflow_provider_taskcluster.transfer.config import MEMORY_CAP, MIB

if TYPE_CHECKING:
    from collections.abc import Iterator


class Writer(Protocol):
    """What a writer factory returns.

    ``close()``, if it has one, is called after all bytes were verified; ``abort()``, if it has one, when they
    are not wanted any more.
    """

    def write(self, data: bytes, /) -> Any:
        """Take the next bytes, all of them (a raw file may return how many it took)."""


class Sink(ABC):
    """A destination. ``begin``, ``write`` and so on until ``commit``, or until another ``begin`` or ``discard``."""

    path: str | None = None

    @abstractmethod
    def begin(self, size: int | None) -> None:
        """Start from a clean state; called after a good first answer, ``size`` in bytes if it is known."""

    @abstractmethod
    def write(self, data: bytes | memoryview) -> None:
        """Append. The buffer is used again after the call."""

    @abstractmethod
    def commit(self) -> None:
        """Make it final: all bytes are there and verified."""

    @abstractmethod
    def discard(self) -> None:
        """Leave nothing behind. Harmless when nothing was begun."""

    def content(self) -> bytes | None:
        """Return the bytes, if this sink holds them."""
        return None


class MemorySink(Sink):
    """Bytes in memory.

    :param max_bytes: More than this is refused; None for no limit.
    """

    def __init__(self, max_bytes: int | None = MEMORY_CAP) -> None:
        self._max_bytes = max_bytes
        self._data = bytearray()

    def begin(self, size: int | None) -> None:
        self._data = bytearray()
        self._check(size or 0)

    def write(self, data: bytes | memoryview) -> None:
        self._check(len(self._data) + len(data))
        self._data += data

    def _check(self, size: int) -> None:
        if self._max_bytes is not None and size > self._max_bytes:
            raise TooLarge(
                f"The content has more than the {self._max_bytes} bytes allowed in memory: "
                f"raise max_bytes, or download to a path"
            )

    def commit(self) -> None:
        """Nothing to do."""

    def discard(self) -> None:
        self._data = bytearray()

    def content(self) -> bytes:
        return bytes(self._data)


class PathSink(Sink):
    """A file, by its path. Folders on the way are made; a file that is there is replaced at the end."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._final = Path(path)
        self.path = str(self._final)
        with _explained(self.path, None):
            if self._final.is_dir() or str(path).endswith("/"):
                raise InvalidInput(f"The destination {self.path!r} is a folder: name the file to write")
        self._partial = self._final.with_name(f".taskcluster-{secrets.token_hex(8)}.part")
        self._file: io.FileIO | None = None

    def begin(self, size: int | None) -> None:
        with _explained(self.path, size):
            self._final.parent.mkdir(parents=True, exist_ok=True)
            self._close()
            self._file = self._partial.open("wb", buffering=0)

    def write(self, data: bytes | memoryview) -> None:
        assert self._file is not None
        with _explained(self.path, None):
            write_all(self._file.write, data)

    def commit(self) -> None:
        with _explained(self.path, None):
            self._close()
            self._partial.replace(self._final)

    def discard(self) -> None:
        # What goes wrong here would only hide the error that led here.
        with contextlib.suppress(OSError):
            self._close()
        with contextlib.suppress(OSError):
            self._partial.unlink()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class FileSink(Sink):
    """A file that the caller has opened, from where it stands. It is left open, at the end of what was written.

    The caller's file has no other name to wait under: after an error it is cut back to where it stood.
    """

    def __init__(self, file: BinaryIO) -> None:
        if not file.writable():
            raise InvalidInput("The destination is not open for writing: open it in the mode 'wb'")
        self._file = file
        self._name: str | None = getattr(file, "name", None)
        self._start = file.tell() if file.seekable() else None
        self._written = 0

    def begin(self, size: int | None) -> None:
        with _explained(self._name, size):
            self._rewind()

    def write(self, data: bytes | memoryview) -> None:
        self._written += len(data)
        with _explained(self._name, None):
            write_all(self._file.write, bytes(data))

    def commit(self) -> None:
        with _explained(self._name, None):
            self._file.flush()

    def discard(self) -> None:
        if self._start is not None:
            with contextlib.suppress(OSError):  # a buffer that could not be flushed fails here once more
                self._rewind()

    def _rewind(self) -> None:
        if self._start is not None:
            if self._file.seek(0, io.SEEK_END) > self._start:
                self._file.truncate(self._start)
            self._file.seek(self._start)
        elif self._written:
            raise DestinationError("The open file cannot seek, so the download cannot begin again: use a path")
        self._written = 0


class WriterSink(Sink):
    """Writers from a factory: a fresh one for each start."""

    def __init__(self, factory: Callable[[], Writer]) -> None:
        self._factory = factory
        self._writer: Writer | None = None

    def begin(self, size: int | None) -> None:
        self.discard()
        self._writer = self._factory()

    def write(self, data: bytes | memoryview) -> None:
        assert self._writer is not None
        write_all(self._writer.write, bytes(data))

    def commit(self) -> None:
        self._call("close")

    def discard(self) -> None:
        self._call("abort")

    def _call(self, method: str) -> None:
        writer, self._writer = self._writer, None
        if function := getattr(writer, method, None):
            function()


Destination = str | os.PathLike[str] | BinaryIO | Callable[[], Writer] | Sink


def sink_for(destination: Destination) -> Sink:
    """Return the sink for what a caller gave: a path, an open binary file, a writer factory, or a sink.

    :raises InvalidInput: It is none of these, or a folder.
    """
    if isinstance(destination, Sink):
        return destination
    if isinstance(destination, str | os.PathLike):
        return PathSink(destination)
    if isinstance(destination, io.TextIOBase):
        raise InvalidInput("The destination is open as text: open it in binary mode ('wb')")
    if hasattr(destination, "write") and hasattr(destination, "seekable"):
        return FileSink(cast("BinaryIO", destination))
    if callable(destination):
        return WriterSink(destination)
    raise InvalidInput(
        f"Cannot download into a {type(destination).__name__}: pass a path, a binary file, a writer factory, "
        f"or MemorySink() for bytes"
    )


def write_all(write: Callable[[Any], Any], data: bytes | memoryview) -> None:
    """Write all of it: a raw file may take less at a time than it is given."""
    while data:
        taken = write(data)
        if not isinstance(taken, int):
            return
        data = data[taken:]


@contextlib.contextmanager
def _explained(path: str | None, size: int | None) -> Iterator[None]:
    """Turn an error of the file system into a sentence."""
    try:
        yield
    except OSError as error:
        needed = f" ({size / MIB:.1f} MiB needed)" if size else ""
        hint = {
            errno.ENOSPC: f"the disk is full{needed}: free some space, or choose another folder",
            errno.EDQUOT: f"the disk quota is used up{needed}: free some space, or choose another folder",
            errno.EACCES: "no permission to write there",
            errno.EROFS: "the file system is read-only",
        }.get(error.errno or 0, error.strerror or str(error))
        raise DestinationError(f"Cannot write {path or 'the open file'}: {hint}") from error

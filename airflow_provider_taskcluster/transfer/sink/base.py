"""Sinks: the destination of a download. A sink can restart from a clean state until it is committed.

Nothing unverified gets a final name: a file is written under a temporary name and renamed by ``commit``.
"""

from __future__ import annotations

import contextlib
import errno
import io
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from airflow_provider_taskcluster.common.counts import whole_number
from airflow_provider_taskcluster.common.messages import one_line, visible
from airflow_provider_taskcluster.exceptions import DestinationError, InvalidInput, TooLarge
from airflow_provider_taskcluster.transfer.config import MEMORY_CAP
from airflow_provider_taskcluster.transfer.source.reading import checked_position

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_taskcluster.transfer.sink.checkpoint import Checkpoint

# Most characters of a path shown in an error.
LONGEST_PATH = 400
# Errors of a path that are the same at any time.
PERMANENT_ERRNOS = {errno.ENAMETOOLONG, errno.ELOOP, errno.EILSEQ, errno.EISDIR}
_IN_THE_WAY = "what is in the way is no folder: remove it, or choose another path"


class Writer(Protocol):
    """The result of a writer factory.

    ``close()``, if it exists, is called once all bytes are verified; ``abort()``, if it exists, if they are discarded.
    A plain file is closed then, too.
    """

    def write(self, data: bytes, /) -> Any:
        """Write the bytes, all of them (a raw file may return how many it wrote)."""


class Sink(ABC):
    """A destination: ``begin``, then ``write`` repeatedly, then ``commit``; or another ``begin``, or ``discard``."""

    path: str | None = None
    # whether it takes bytes in any order, with ``reserve`` and ``write_at``
    seekable = False

    def resume(self, key: str) -> Checkpoint | None:
        """Open the partial file of an earlier process for ``key``; return its checkpoint, None if there is none."""
        return None

    @abstractmethod
    def begin(self, size: int | None) -> None:
        """Start from a clean state, after a good first response; ``size`` in bytes, None if it is not known."""

    @abstractmethod
    def write(self, data: bytes | memoryview) -> None:
        """Append bytes. The caller reuses the buffer after the call."""

    def reserve(self, size: int) -> None:
        """Prepare for ``size`` bytes in total, written in any order."""
        raise InvalidInput(f"A {type(self).__name__} takes bytes in order only")

    def write_at(self, offset: int, data: memoryview) -> None:
        """Write at an offset; called from many threads at once."""
        raise InvalidInput(f"A {type(self).__name__} takes bytes in order only")

    def read_at(self, offset: int, buffer: memoryview) -> int:
        """Read written bytes back, after ``resume``; return their number."""
        raise InvalidInput(f"A {type(self).__name__} cannot be read")

    def note(self, record: Checkpoint) -> None:  # noqa: B027 (optional)
        """Save a checkpoint for a later process."""

    @abstractmethod
    def commit(self) -> None:
        """Make the content final: all bytes are written and verified."""

    @abstractmethod
    def discard(self) -> None:
        """Remove what was written. Does nothing if nothing was begun."""

    def keep(self) -> None:
        """Keep what a later process can resume; by default nothing."""
        self.discard()

    def leave(self, error: BaseException, note: Callable[[], None] = lambda: None) -> None:
        """Keep the bytes received before an error if a later try may resume them; else discard them.

        :param note: Saves a checkpoint before they are kept.
        """
        try:
            if getattr(error, "transient", True) and not isinstance(error, DestinationError):
                try:
                    note()
                finally:
                    self.keep()
            else:
                self.discard()
        except Exception as failure:  # noqa: BLE001 (must not hide the original error)
            error.add_note(f"The received bytes could not be kept or removed: {one_line(failure)}")

    def content(self) -> bytes | None:
        """Return the bytes if this sink holds them in memory, else None."""
        return None


class MemorySink(Sink):
    """Bytes in memory.

    :param max_bytes: Largest size accepted; None for no limit.
    """

    def __init__(self, max_bytes: int | None = MEMORY_CAP) -> None:
        self._max_bytes = None if max_bytes is None else whole_number(max_bytes, "max_bytes")
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


class FileSink(Sink):
    """A file opened by the caller, from its current position. It is left open, at the end of the bytes written.

    It cannot be written under a temporary name; after an error it is truncated to the original position.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._name: str | None = getattr(file, "name", None)
        try:
            writable = file.writable()
            self._start = checked_position(file) if writable and file.seekable() else None
        except Exception as error:  # each kind of file has errors of its own
            raise InvalidInput(
                f"The destination, a {type(file).__name__}, is not what it says it is ({one_line(error)}), so a "
                f"download into it could not begin again: pass a function that opens a new one"
            ) from error
        if not writable:
            raise InvalidInput("The destination is not open for writing: open it in the mode 'wb'")
        self._written = 0

    def begin(self, size: int | None) -> None:
        with destination_errors(self._name):
            self._rewind()

    def write(self, data: bytes | memoryview) -> None:
        self._written += len(data)
        with destination_errors(self._name):
            write_all(self._file.write, bytes(data))

    def commit(self) -> None:
        with destination_errors(self._name):
            self._file.flush()

    def discard(self) -> None:
        if self._start is not None:
            with contextlib.suppress(OSError):  # flushing the buffer may fail again
                self._rewind()

    def _rewind(self) -> None:
        if self._start is not None:
            self._file.seek(0, io.SEEK_END)
            if self._file.tell() > self._start:
                self._file.truncate(self._start)
            self._file.seek(self._start)
        elif self._written:
            raise DestinationError("The open file cannot seek, so the download cannot begin again: use a path")
        self._written = 0


# Local open files, whose ``close`` publishes nothing.
_FILES = (io.FileIO, io.BufferedWriter, io.BufferedRandom)


class WriterSink(Sink):
    """Writers from a factory: a new one for each start."""

    def __init__(self, factory: Callable[[], Writer]) -> None:
        self._factory = factory
        self._writer: Writer | None = None

    def begin(self, size: int | None) -> None:
        self.discard()
        self._writer = self._factory()

    def write(self, data: bytes | memoryview) -> None:
        assert self._writer is not None
        with destination_errors(getattr(self._writer, "name", None)):
            write_all(self._writer.write, bytes(data))

    def commit(self) -> None:
        writer, self._writer = self._writer, None
        if close := getattr(writer, "close", None):
            close()

    def discard(self) -> None:
        writer, self._writer = self._writer, None
        if abort := getattr(writer, "abort", None):
            abort()
        elif isinstance(writer, _FILES):  # its buffer must not be flushed into the file of the next writer
            with contextlib.suppress(OSError):
                writer.close()


def write_all(write: Callable[[Any], Any], data: bytes | memoryview) -> None:
    """Write all bytes, in several calls if needed: a raw file may write only a part of them."""
    while data:
        written = write(data)
        if not isinstance(written, int):
            return
        if not written:
            raise DestinationError("The destination takes no more bytes: is it full?")
        data = data[written:]


@contextlib.contextmanager
def destination_errors(path: str | None) -> Iterator[None]:
    """Turn an ``OSError`` of writing into a DestinationError with the next step."""
    try:
        yield
    except OSError as error:
        hint = {
            errno.ENOSPC: "the disk is full: free some space, or choose another folder",
            errno.EDQUOT: "the disk quota is used up: free some space, or choose another folder",
            errno.EACCES: "no permission to write there: choose another folder",
            errno.EROFS: "the file system is read-only: choose another folder",
            errno.ENAMETOOLONG: "File name too long: choose a shorter one",
            errno.ENOTDIR: _IN_THE_WAY,
            errno.EEXIST: _IN_THE_WAY,
            errno.EISDIR: "it is a folder: name a file in it",
            errno.ELOOP: "its symbolic links go in circles: remove them, or choose another path",
        }.get(error.errno or 0, error.strerror or str(error))
        message = f"Cannot write {visible(path or 'the open file', LONGEST_PATH)}: {hint}"
        raise DestinationError(message, transient=error.errno not in PERMANENT_ERRNOS) from error

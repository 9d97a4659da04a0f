"""The sink of a file in an fsspec file system, such as an object in a bucket; it appears once it is verified.

S3 and Google Cloud Storage publish an object when its upload is completed, which ``commit`` does; a failed upload is
aborted. Objects of Taskcluster are collected in a local file, and uploaded by ``commit``. In other file systems the
bytes go to a temporary file in the same folder, which is renamed at the end.
"""

from __future__ import annotations

import contextlib
import logging
import math
import secrets
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.exceptions import DestinationError, InvalidInput
from airflow_provider_taskcluster.transfer.config import MIB, OWN_PREFIX
from airflow_provider_taskcluster.transfer.sink.base import Sink, write_all
from airflow_provider_taskcluster.transfer.sink.partial_file import PathSink
from airflow_provider_taskcluster.transfer.storage_paths import storage_errors, storage_file

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from airflow_provider_taskcluster.transfer.storage_paths import StorageFile, StoragePath

log = logging.getLogger(__name__)

# Protocols whose files complete the upload when closed with ``autocommit``, and abort it on ``discard()``.
COMPLETED_BY_COMMIT = {"s3", "s3a", "gs", "gcs"}
# Bytes held in memory and sent at a time. An upload of unknown length has larger blocks: S3 takes at most 10,000.
BLOCK = 8 * MIB
BLOCK_OF_UNKNOWN = 64 * MIB
MOST_BLOCKS = 10_000


def storage_sink(path: StoragePath, *, durable: bool = True) -> Sink:
    """Return the sink for a path in an fsspec file system.

    :param durable: A local file survives power loss once it has its final name.
    :raises InvalidInput: The path is a folder or cannot be written, or its file system cannot be created.
    """
    file = storage_file(path)
    if file.immutable:
        file.fs.check_destination(file.path)
    return PathSink(file.path, durable=durable) if file.local else StorageSink(file)


class StorageSink(Sink):
    """Takes bytes in order. It can restart in this process, but leaves nothing to resume for a later one."""

    def __init__(self, file: StorageFile) -> None:
        if file.url.endswith("/"):
            raise InvalidInput(f"The destination {file.url!r} is a folder: name the file to write")
        self.path = file.url
        self._file = file
        self._pending: _PendingFile | None = None

    def begin(self, size: int | None) -> None:
        try:
            self.discard()
        except DestinationError as error:  # it is invisible, and does not disturb the next attempt
            log.warning("The unfinished file of an earlier attempt cannot be removed: %s", one_line(error))
        with self._explained():
            self._pending = _pending_type(self._file)(self._file, size)

    def write(self, data: bytes | memoryview) -> None:
        assert self._pending is not None
        with self._explained():
            write_all(self._pending.opened.write, bytes(data))

    def commit(self) -> None:
        assert self._pending is not None
        with self._explained():
            self._pending.commit()
        self._pending = None

    def discard(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            with self._explained():
                pending.discard()

    def _explained(self) -> AbstractContextManager[None]:
        return storage_errors(DestinationError, f"Cannot write {self.path}")


class _PendingFile(Protocol):
    """A file that is written, but not visible yet."""

    opened: Any

    def commit(self) -> None:
        """Make the complete file visible."""

    def discard(self) -> None:
        """Remove what was written."""


class _Upload:
    """An object that appears when its upload is completed."""

    def __init__(self, file: StorageFile, size: int | None) -> None:
        # so that it is not completed by garbage collection, as in a forked process
        self.opened = file.fs.open(file.path, "wb", block_size=block_size(size), autocommit=False)
        with contextlib.suppress(ValueError):  # a transaction of other code must not complete it either
            file.fs.transaction.files.remove(self.opened)

    def commit(self) -> None:
        self.opened.autocommit = True  # content of one block is sent here, in one request
        self.opened.close()

    def discard(self) -> None:
        self.opened.closed = True  # else garbage collection sends the rest
        self.opened.discard()


class _TaskclusterObject(_Upload):
    """An object of Taskcluster, uploaded by the ``commit()`` of its open file."""

    def commit(self) -> None:
        self.opened.commit()

    def discard(self) -> None:
        self.opened.discard()


class _TemporaryFile:
    """A file under a temporary name in the same folder. Folders are created if the file system has them."""

    def __init__(self, file: StorageFile, size: int | None) -> None:
        self._file = file
        folder, slash, _ = file.path.rpartition("/")
        self._path = f"{folder}{slash}{OWN_PREFIX}{secrets.token_hex(8)}.part"
        try:
            self.opened = file.fs.open(self._path, "wb", block_size=block_size(size))
        except FileNotFoundError:
            file.fs.makedirs(folder, exist_ok=True)
            self.opened = file.fs.open(self._path, "wb", block_size=block_size(size))

    def commit(self) -> None:
        self.opened.close()
        self._move()

    def discard(self) -> None:
        with contextlib.suppress(Exception):  # closing fails if the last block could not be written
            self.opened.close()
        self._file.fs.rm_file(self._path)

    def _move(self) -> None:
        """Rename the file if the file system can; else copy and delete it, without expanding wildcards in its name."""
        from fsspec import AbstractFileSystem

        fs = self._file.fs
        if type(fs).mv is not AbstractFileSystem.mv:
            fs.mv(self._path, self._file.path)
        else:
            fs.cp_file(self._path, self._file.path)
            fs.rm_file(self._path)


def _pending_type(file: StorageFile) -> type[_Upload | _TemporaryFile]:
    """Return the class that makes the file visible only when it is complete."""
    if file.immutable:
        return _TaskclusterObject
    return _Upload if file.protocols & COMPLETED_BY_COMMIT else _TemporaryFile


def block_size(size: int | None) -> int:
    """Return the block size for a file, in bytes, a multiple of 1 MiB."""
    if size is None:
        return BLOCK_OF_UNKNOWN
    return max(BLOCK, math.ceil(size / MOST_BLOCKS / MIB) * MIB)

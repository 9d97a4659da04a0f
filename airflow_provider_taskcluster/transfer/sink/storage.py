"""A file in a file system of fsspec, such as an object in a bucket, which appears when all of it is verified.

S3 and Google Cloud Storage publish an object when its upload is completed, which here waits for ``commit``; an upload
that fails is aborted. Objects of Taskcluster are collected on this machine, and uploaded by ``commit``. In other file
systems the bytes go to a file of another name in the same folder, which is moved at the end.
"""

from __future__ import annotations

import contextlib
import logging
import math
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.exceptions import DestinationError, InvalidInput, TaskclusterError
from airflow_provider_taskcluster.transfer.config import MIB, OWN_PREFIX
from airflow_provider_taskcluster.transfer.sink.base import Sink, write_all
from airflow_provider_taskcluster.transfer.sink.path import PathSink
from airflow_provider_taskcluster.transfer.storage_paths import reason_of, storage_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_taskcluster.transfer.storage_paths import StorageFile, StoragePath

log = logging.getLogger(__name__)

# Their files complete the upload when they are closed with ``autocommit``, and abort it by ``discard()``.
COMPLETED_BY_COMMIT = {"s3", "s3a", "gs", "gcs"}
# So much is held in memory and sent at a time; an upload of unknown length has larger pieces, as S3 takes 10,000.
BLOCK = 8 * MIB
BLOCK_OF_UNKNOWN = 64 * MIB
MOST_BLOCKS = 10_000


def storage_sink(place: StoragePath, *, durable: bool = True) -> Sink:
    """Return the sink of a file to write.

    :param durable: A file of this machine survives power loss once it has its name.
    :raises InvalidInput: It names a folder, or what cannot be written, or its file system cannot be made.
    """
    file = storage_file(place)
    if file.immutable:
        file.fs.check_destination(file.path)
    return PathSink(file.path, durable=durable) if file.local else StorageSink(file)


class StorageSink(Sink):
    """Takes bytes in order, and begins anew after a failure of this process; nothing is left for a later one."""

    def __init__(self, file: StorageFile) -> None:
        if file.url.endswith("/"):
            raise InvalidInput(f"The destination {file.url!r} is a folder: name the file to write")
        self.path = file.url
        self._file = file
        self._writing: _Writing | None = None

    def begin(self, size: int | None) -> None:
        try:
            self.discard()
        except DestinationError as error:  # nobody sees it, and the next one does not need it gone
            log.warning("What was begun before cannot be put away: %s", one_line(error))
        with self._explained():
            self._writing = _way(self._file)(self._file, size)

    def write(self, data: bytes | memoryview) -> None:
        assert self._writing is not None
        with self._explained():
            write_all(self._writing.opened.write, bytes(data))

    def commit(self) -> None:
        assert self._writing is not None
        with self._explained():
            self._writing.commit()
        self._writing = None

    def discard(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            with self._explained():
                writing.discard()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what a file system raises into a sentence."""
        try:
            yield
        except TaskclusterError:
            raise
        except Exception as error:
            raise DestinationError(f"Cannot write {self.path}: {reason_of(error)}") from error


class _Writing(Protocol):
    """A file that is not there yet."""

    opened: Any

    def commit(self) -> None:
        """Make it appear, whole."""

    def discard(self) -> None:
        """Leave nothing of it."""


class _Upload:
    """An object that appears when its upload is completed."""

    def __init__(self, file: StorageFile, size: int | None) -> None:
        # so that it is not completed when nobody holds it any more, as in a process that was forked
        self.opened = file.fs.open(file.path, "wb", block_size=block_size(size), autocommit=False)
        with contextlib.suppress(ValueError):  # a transaction of somebody else shall not complete it either
            file.fs.transaction.files.remove(self.opened)

    def commit(self) -> None:
        self.opened.autocommit = True  # what fits one block is sent here, in one request
        self.opened.close()

    def discard(self) -> None:
        self.opened.closed = True  # else it sends what is left when it is collected
        self.opened.discard()


class _Collected(_Upload):
    """An object of Taskcluster."""

    def commit(self) -> None:
        self.opened.commit()

    def discard(self) -> None:
        self.opened.discard()


class _Aside:
    """A file that waits under another name in the same folder. Folders are made where the file system has such."""

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
        with contextlib.suppress(Exception):  # what could not be written cannot be closed well
            self.opened.close()
        self._file.fs.rm_file(self._path)

    def _move(self) -> None:
        """Rename where the file system can; else copy and delete, one file whatever characters are in its name."""
        from fsspec import AbstractFileSystem

        fs = self._file.fs
        if type(fs).mv is not AbstractFileSystem.mv:
            fs.mv(self._path, self._file.path)
        else:
            fs.cp_file(self._path, self._file.path)
            fs.rm_file(self._path)


def _way(file: StorageFile) -> type[_Upload | _Aside]:
    """Return how a file is written so that it appears whole."""
    if file.immutable:  # its files are uploaded by their own ``commit()``
        return _Collected
    return _Upload if file.protocols & COMPLETED_BY_COMMIT else _Aside


def block_size(size: int | None) -> int:
    """Return how many bytes to send at a time, whole MiB."""
    if size is None:
        return BLOCK_OF_UNKNOWN
    return max(BLOCK, math.ceil(size / MOST_BLOCKS / MIB) * MIB)

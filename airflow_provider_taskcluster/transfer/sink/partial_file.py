"""The sink of a local path: written to a partial file, renamed once verified, resumed by a later process."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from airflow_provider_taskcluster.exceptions import DestinationError, InvalidInput
from airflow_provider_taskcluster.transfer.config import MIB, OWN_PREFIX
from airflow_provider_taskcluster.transfer.sink import leftovers
from airflow_provider_taskcluster.transfer.sink.base import Sink, destination_errors
from airflow_provider_taskcluster.transfer.sink.checkpoint import from_json
from airflow_provider_taskcluster.transfer.sink.directory import Directory
from airflow_provider_taskcluster.transfer.sink.durable import boot_id, sync_data
from airflow_provider_taskcluster.transfer.sink.file_writer import FileWriter
from airflow_provider_taskcluster.transfer.source.local_paths import path_text, require_possible, resolve_link

if TYPE_CHECKING:
    import io

    from airflow_provider_taskcluster.transfer.sink.checkpoint import Checkpoint


class DirectoryOpener(Protocol):
    """Opens the directory of a file, and creates it if ``make`` is True."""

    def __call__(self, *, make: bool) -> Directory:
        """Return the open directory."""


class PathSink(Sink):
    """A local file. Missing folders are created; an existing file is replaced at the end.

    Until then the bytes are in ``.taskcluster-<hash of the name>.part`` in the same folder, next to a small checkpoint.
    If another process holds that partial file, or another user may have created it, this sink writes to a partial file
    of its own, without a checkpoint.

    :param path: Path of the file; a link of ours or of root is followed.
    :param folder: Opens the folder of the file, if the path is not to be trusted; no link is followed then.
    :param durable: The file survives power loss once it has its final name. If ``folder`` is given, that decides.
    """

    seekable = True

    def __init__(
        self, path: str | os.PathLike[str], folder: DirectoryOpener | None = None, *, durable: bool = True
    ) -> None:
        self.path = path_text(path)
        final = Path(self.path)
        if folder is None:
            with destination_errors(self.path):
                if self.path.endswith("/"):
                    raise InvalidInput(f"The destination {self.path!r} is a folder: name the file to write")
                final = _checked(final)
        self._name = final.name
        self._open_folder = folder or partial(Directory.at, final.parent, durable=durable)
        self._partial = _partial_name(hashlib.sha256(os.fsencode(self._name)).hexdigest()[:16])
        self._folder: Directory | None = None
        self._file: io.FileIO | None = None
        self._has_checkpoints = False

    @property
    def _checkpoint_name(self) -> str:
        return self._partial.removesuffix(".part") + ".json"

    def resume(self, key: str) -> Checkpoint | None:
        with destination_errors(self.path):
            try:
                folder = self._directory(make=False)
            except FileNotFoundError:
                return None
            if folder.stat(self._partial) is None:
                return None
            file = self._open(folder)
            checkpoint = self._valid_checkpoint(folder, file, key)
            if checkpoint is None:
                return None
            file.seek(checkpoint.offset)
        if not checkpoint.facts.encoding and checkpoint.facts.total is not None:
            allocated = max(checkpoint.offset, os.fstat(file.fileno()).st_blocks * 512)  # holes have no blocks
            self._require_space(folder, checkpoint.facts.total - allocated)
        return checkpoint

    def _valid_checkpoint(self, folder: Directory, file: io.FileIO, key: str) -> Checkpoint | None:
        """Return the checkpoint for ``key``, its offset reduced to the bytes on disk; None if there is none."""
        content = folder.read_own(self._checkpoint_name) if self._has_checkpoints else None
        checkpoint = None if content is None else from_json(content.decode("utf-8", "replace"), key)
        if checkpoint is None or checkpoint.boot not in {"", boot_id()}:
            return None
        if os.fstat(file.fileno()).st_size < checkpoint.offset:
            return None
        present = _bytes_before_hole(file.fileno(), checkpoint.offset)
        return replace(checkpoint, offset=present) if present else None

    def begin(self, size: int | None) -> None:
        with destination_errors(self.path):
            folder = self._directory(make=True)
            file = self._file or self._open(folder)
            if self._has_checkpoints and folder.stat(self._checkpoint_name) is not None:
                self._remove_checkpoint()
                folder.sync()  # before the bytes that it promises are removed
            if os.fstat(file.fileno()).st_size:  # ext4 flushes a file on close if it was truncated to nothing
                file.truncate(0)
            file.seek(0)
        self._require_space(folder, size or 0)

    def reserve(self, size: int) -> None:
        with destination_errors(self.path):
            self._opened().truncate(size)

    def write(self, data: bytes | memoryview) -> None:
        with destination_errors(self.path):
            file = self._opened()
            self._writer.write_at(file.tell(), data)
            file.seek(len(data), os.SEEK_CUR)

    def write_at(self, offset: int, data: memoryview) -> None:
        self._opened()  # a late thread must not write to another file with the same descriptor
        with destination_errors(self.path):
            self._writer.write_at(offset, data)

    def read_at(self, offset: int, buffer: memoryview) -> int:
        with destination_errors(self.path):
            return os.preadv(self._opened().fileno(), [buffer], offset)

    def note(self, record: Checkpoint) -> None:
        if not self._has_checkpoints:
            return
        with destination_errors(self.path):
            name, directory = self._checkpoint_name, self._directory()
            if record.hashed:
                directory.write(name, record.to_json().encode())
            elif directory.durable:  # without a hash nothing shows that power loss has taken bytes of the file
                sync_data(self._opened().fileno())
                directory.write(name, record.to_json().encode(), synced=True)
            else:
                directory.write(name, replace(record, boot=boot_id()).to_json().encode())

    def commit(self) -> None:
        with destination_errors(self.path):
            self._directory().publish(self._opened().fileno(), self._partial, self._name)
            self._remove_checkpoint()
            self._close()

    def keep(self) -> None:
        """Keep the partial file for a later try, if it has a checkpoint."""
        file = self._file
        if file is not None and self._has_checkpoints and self._directory().stat(self._checkpoint_name) is not None:
            self._close()
        else:
            self.discard()

    def discard(self) -> None:
        if self._file is not None:
            # An error here would hide the original one.
            with contextlib.suppress(OSError):
                self._directory().unlink(self._partial)
            with contextlib.suppress(OSError):
                self._remove_checkpoint()
        with contextlib.suppress(OSError):
            self._close()

    def _opened(self) -> io.FileIO:
        assert self._file is not None
        return self._file

    def _directory(self, *, make: bool = False) -> Directory:
        """Return the directory of the file, opened on first use."""
        if self._folder is None:
            self._folder = self._open_folder(make=make)
            leftovers.sweep_if_due(self._folder)
        return self._folder

    def _open(self, folder: Directory) -> io.FileIO:
        """Open and lock the partial file; if that is not possible, create one with a random name."""
        file = folder.open_to_update(self._partial)
        if file is not None and _locked(file, folder, self._partial):
            self._has_checkpoints = True
        else:
            if file is not None:
                file.close()
            self._partial = _partial_name(secrets.token_hex(8))
            file = folder.create(self._partial)
        self._file = file
        self._writer = FileWriter(file.fileno(), early=folder.durable)
        return file

    def _require_space(self, folder: Directory, size: int) -> None:
        free = shutil.disk_usage(folder.descriptor).free
        if size > free:
            self.discard()
            raise DestinationError(
                f"Cannot write {self.path}: it needs {size / MIB:.1f} MiB and the disk has {free / MIB:.1f} MiB left: "
                f"free some space, or choose another folder"
            )

    def _remove_checkpoint(self) -> None:
        if self._has_checkpoints:
            self._directory().unlink(self._checkpoint_name)

    def _close(self) -> None:
        file, self._file = self._file, None
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.close()
        if file is not None:
            file.close()  # which releases the lock


def _checked(final: Path) -> Path:
    """Return the path to write, after following a link, if it can be a file.

    :raises InvalidInput: It is not a regular file.
    :raises NameRefused: It is a link of another user.
    :raises OSError: No file can exist there.
    """
    target = resolve_link(final)
    if target.name in {"", ".."} or target.is_dir():
        raise InvalidInput(f"The destination {str(final)!r} is a folder: name the file to write")
    if target.exists() and not target.is_file():
        raise InvalidInput(f"The destination {str(final)!r} is not a regular file: open it, and pass the file")
    require_possible(target)
    return target


def _bytes_before_hole(file: int, offset: int) -> int:
    """Return the bytes before the first hole, at most ``offset``: bytes lost in a power failure leave a hole."""
    try:
        return min(offset, os.lseek(file, 0, os.SEEK_HOLE))
    except OSError:  # this file system does not report holes
        return offset


def _partial_name(stem: str) -> str:
    return f"{OWN_PREFIX}{stem}.part"


def _locked(file: io.FileIO, folder: Directory, name: str) -> bool:
    """Lock the file; False if locked or just replaced by another process, or if locking is unsupported."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        status = folder.stat(name)
        return status is not None and status.st_ino == os.fstat(file.fileno()).st_ino
    except OSError:
        return False

"""A file by its path: written beside itself, renamed when all of it is verified, gone on with by a later process."""

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
from airflow_provider_taskcluster.transfer.source.paths import path_text, require_possible, resolve_link

if TYPE_CHECKING:
    import io

    from airflow_provider_taskcluster.transfer.sink.checkpoint import Checkpoint


class DirectoryOpener(Protocol):
    """Opens the folder of a file; makes it, if asked to, where it is not there."""

    def __call__(self, *, make: bool) -> Directory:
        """Open it."""


class PathSink(Sink):
    """A file. Folders on the way are made; a file that is there is replaced at the end.

    Until then the bytes are in ``.taskcluster-<hash of the name>.part`` in the same folder, and a small record beside
    it says what they are. Who comes second to the same destination takes a partial file of its own, without a record;
    so does who finds there what another user may have made.

    :param path: Of the file; a link of ours or of root is followed.
    :param folder: Opens its folder, where the path alone is not to be trusted; no link is followed then.
    :param durable: It survives power loss once it has its name. Where there is a ``folder``, that decides.
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
        self._partial = _beside(hashlib.sha256(os.fsencode(self._name)).hexdigest()[:16])
        self._folder: Directory | None = None
        self._file: io.FileIO | None = None
        self._records = False

    @property
    def _record(self) -> str:
        return self._partial.removesuffix(".part") + ".json"

    def resume(self, key: str) -> Checkpoint | None:
        with destination_errors(self.path):
            try:
                folder = self._in(make=False)
            except FileNotFoundError:
                return None
            if folder.stat(self._partial) is None:
                return None
            file = self._open(folder)
            record = self._recorded(folder, file, key)
            if record is None:
                return None
            file.seek(record.offset)
        if not record.facts.encoding and record.facts.total is not None:
            there = max(record.offset, os.fstat(file.fileno()).st_blocks * 512)  # holes have no blocks
            self._require_space(folder, record.facts.total - there)
        return record

    def _recorded(self, folder: Directory, file: io.FileIO, key: str) -> Checkpoint | None:
        """Return what the record promises, as far as it is there."""
        content = folder.read_own(self._record) if self._records else None
        record = None if content is None else from_json(content.decode("utf-8", "replace"), key)
        if record is None or record.boot not in {"", boot_id()}:
            return None
        if os.fstat(file.fileno()).st_size < record.offset:
            return None
        there = _without_hole(file.fileno(), record.offset)
        return replace(record, offset=there) if there else None

    def begin(self, size: int | None) -> None:
        with destination_errors(self.path):
            folder = self._in(make=True)
            file = self._file or self._open(folder)
            if self._records and folder.stat(self._record) is not None:
                self._forget_record()
                folder.sync()  # what it promised goes next
            if os.fstat(file.fileno()).st_size:  # ext4 writes a file out at once when it was cut to nothing before
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
        self._opened()  # a thread that comes late must not write to what has the descriptor now
        with destination_errors(self.path):
            self._writer.write_at(offset, data)

    def read_at(self, offset: int, buffer: memoryview) -> int:
        with destination_errors(self.path):
            return os.preadv(self._opened().fileno(), [buffer], offset)

    def note(self, record: Checkpoint) -> None:
        if not self._records:
            return
        with destination_errors(self.path):
            if record.hashed:
                self._in().write(self._record, record.to_json().encode())
            elif self._in().durable:  # nobody would find out that power loss has taken what the record promises
                sync_data(self._opened().fileno())
                self._in().write(self._record, record.to_json().encode(), synced=True)
            else:
                self._in().write(self._record, replace(record, boot=boot_id()).to_json().encode())

    def commit(self) -> None:
        with destination_errors(self.path):
            self._in().publish(self._opened().fileno(), self._partial, self._name)
            self._forget_record()
            self._close()

    def keep(self) -> None:
        """Leave what is there for a later try, if a record says what it is."""
        if self._file is not None and self._records and self._in().stat(self._record) is not None:
            self._close()
        else:
            self.discard()

    def discard(self) -> None:
        if self._file is not None:
            # What goes wrong here would only hide the error that led here.
            with contextlib.suppress(OSError):
                self._in().unlink(self._partial)
            with contextlib.suppress(OSError):
                self._forget_record()
        with contextlib.suppress(OSError):
            self._close()

    def _opened(self) -> io.FileIO:
        assert self._file is not None
        return self._file

    def _in(self, *, make: bool = False) -> Directory:
        """Return the folder, open."""
        if self._folder is None:
            self._folder = self._open_folder(make=make)
            leftovers.sweep_if_due(self._folder)
        return self._folder

    def _open(self, folder: Directory) -> io.FileIO:
        """Open the partial file for ourselves alone; one with a name of its own if somebody else has it."""
        file = folder.open_to_update(self._partial)
        if file is not None and _locked(file, folder, self._partial):
            self._records = True
        else:
            if file is not None:
                file.close()
            self._partial = _beside(secrets.token_hex(8))
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

    def _forget_record(self) -> None:
        if self._records:
            self._in().unlink(self._record)

    def _close(self) -> None:
        file, self._file = self._file, None
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.close()
        if file is not None:
            file.close()  # and so unlock


def _checked(final: Path) -> Path:
    """Return where a path leads, if that can be a file.

    :raises InvalidInput: It is something else.
    :raises NameRefused: It is the link of another user.
    :raises OSError: There can be no such file.
    """
    leads_to = resolve_link(final)
    if leads_to.name in {"", ".."} or leads_to.is_dir():
        raise InvalidInput(f"The destination {str(final)!r} is a folder: name the file to write")
    if leads_to.exists() and not leads_to.is_file():
        raise InvalidInput(f"The destination {str(final)!r} is not a regular file: open it, and pass the file")
    require_possible(leads_to)
    return leads_to


def _without_hole(file: int, offset: int) -> int:
    """Return how many bytes are there before a hole: what had not reached the disk when the power was lost is one."""
    try:
        return min(offset, os.lseek(file, 0, os.SEEK_HOLE))
    except OSError:  # this file system does not tell
        return offset


def _beside(stem: str) -> str:
    return f"{OWN_PREFIX}{stem}.part"


def _locked(file: io.FileIO, folder: Directory, name: str) -> bool:
    """Lock the file; False if somebody else has it, had it and renamed it just now, or the file system cannot."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found = folder.stat(name)
        return found is not None and found.st_ino == os.fstat(file.fileno()).st_ino
    except OSError:
        return False

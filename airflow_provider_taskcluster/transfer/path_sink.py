"""A file by its path: written beside itself, renamed when all of it is verified, gone on with by a later process."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import os
import secrets
import shutil
from pathlib import Path

from airflow_provider_taskcluster.exceptions import DestinationError, InvalidInput
from airflow_provider_taskcluster.transfer.config import MIB
from airflow_provider_taskcluster.transfer.file_writer import FileWriter
from airflow_provider_taskcluster.transfer.record import Record, from_json
from airflow_provider_taskcluster.transfer.sink import Sink, explained


class PathSink(Sink):
    """A file. Folders on the way are made; a file that is there is replaced at the end.

    Until then the bytes are in ``.taskcluster-<hash of the name>.part`` in the same folder, and a small record beside
    it says what they are. Who comes second to the same destination takes a partial file of its own, without a record.
    """

    seekable = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = str(path)
        with explained(self.path):
            self._final = Path(path).resolve() if Path(path).is_symlink() else Path(path)
            if self._final.is_dir() or self.path.endswith("/"):
                raise InvalidInput(f"The destination {self.path!r} is a folder: name the file to write")
            if self._final.exists() and not self._final.is_file():
                raise InvalidInput(f"The destination {self.path!r} is not a regular file: open it, and pass the file")
        self._partial = self._beside(hashlib.sha256(os.fsencode(self._final.name)).hexdigest()[:16])
        self._file: io.FileIO | None = None
        self._records = False

    def _beside(self, stem: str) -> Path:
        return self._final.with_name(f".taskcluster-{stem}.part")

    @property
    def _record(self) -> Path:
        return self._partial.with_suffix(".json")

    def resume(self, key: str) -> Record | None:
        with explained(self.path):
            if not self._partial.exists():
                return None
            file = self._open()
            record = from_json(self._record.read_text(), key) if self._records and self._record.exists() else None
            if record is None or os.fstat(file.fileno()).st_size < record.offset:
                return None
            file.seek(record.offset)
            return record

    def begin(self, size: int | None) -> None:
        with explained(self.path):
            self._final.parent.mkdir(parents=True, exist_ok=True)
            file = self._file or self._open()
            self._forget_record()
            if os.fstat(file.fileno()).st_size:  # ext4 writes a file out at once when it was cut to nothing before
                file.truncate(0)
            file.seek(0)
        self._require_space(size or 0)

    def reserve(self, size: int) -> None:
        with explained(self.path):
            self._opened().truncate(size)

    def write(self, data: bytes | memoryview) -> None:
        with explained(self.path):
            file = self._opened()
            self._writer.write_at(file.tell(), data)
            file.seek(len(data), os.SEEK_CUR)

    def write_at(self, offset: int, data: memoryview) -> None:
        self._opened()  # a thread that comes late must not write to what has the descriptor now
        with explained(self.path):
            self._writer.write_at(offset, data)

    def read_at(self, offset: int, buffer: memoryview) -> int:
        with explained(self.path):
            return os.preadv(self._opened().fileno(), [buffer], offset)

    def note(self, record: Record) -> None:
        if not self._records:
            return
        new = self._record.with_suffix(".new")
        with explained(self.path):
            new.write_text(record.to_json())
            new.replace(self._record)

    def commit(self) -> None:
        with explained(self.path):
            if self._final.exists():  # what is replaced keeps who may read it
                os.fchmod(self._opened().fileno(), self._final.stat().st_mode & 0o7777)
            self._partial.replace(self._final)
            self._forget_record()
            self._close()

    def keep(self) -> None:
        """Leave what is there for a later try, if a record says what it is."""
        if self._records and self._record.exists():
            self._close()
        else:
            self.discard()

    def discard(self) -> None:
        if self._file is None:
            return
        # What goes wrong here would only hide the error that led here.
        with contextlib.suppress(OSError):
            self._partial.unlink()
        with contextlib.suppress(OSError):
            self._forget_record()
        with contextlib.suppress(OSError):
            self._close()

    def _opened(self) -> io.FileIO:
        assert self._file is not None
        return self._file

    def _open(self) -> io.FileIO:
        """Open the partial file for ourselves alone; one with a name of its own if somebody else has it."""
        file = _open_to_update(self._partial)
        if _locked(file, self._partial):
            self._records = True
        else:
            file.close()
            self._partial = self._beside(secrets.token_hex(8))
            file = _open_to_update(self._partial)
        self._file = file
        self._writer = FileWriter(file.fileno())
        return file

    def _require_space(self, size: int) -> None:
        free = shutil.disk_usage(self._final.parent).free
        if size > free:
            self.discard()
            raise DestinationError(
                f"Cannot write {self.path}: it needs {size / MIB:.1f} MiB and the disk has {free / MIB:.1f} MiB left: "
                f"free some space, or choose another folder"
            )

    def _forget_record(self) -> None:
        if self._records:
            self._record.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()  # and so unlock
            self._file = None


def _open_to_update(path: Path) -> io.FileIO:
    """Open for reading and writing without losing what is there."""
    return io.FileIO(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "r+")


def _locked(file: io.FileIO, path: Path) -> bool:
    """Lock the file; False if somebody else has it, had it and renamed it just now, or the file system cannot."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return path.stat().st_ino == os.fstat(file.fileno()).st_ino
    except OSError:
        return False

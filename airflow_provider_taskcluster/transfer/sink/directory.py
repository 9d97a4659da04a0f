"""An open local directory, in which files are opened by plain names, so that no link leads elsewhere.

Other users with write access to a parent directory can put a link into the path at any time. An open descriptor always
names the same directory, and opening, stat or rename by a plain name in it follows no link. Users with write access to
the directory itself can create files under the names that we use, so files of other users are not adopted.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Self

from airflow_provider_taskcluster.exceptions import NameRefused
from airflow_provider_taskcluster.transfer.config import OWN_PREFIX
from airflow_provider_taskcluster.transfer.sink.durable import make_folders, publish, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterable

# Mode of incomplete files, and of files for this user alone.
PRIVATE = 0o600
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# Errors of opening what is not a file, or not ours to open.
_NOT_OURS = {errno.ENOENT, errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.ENODEV, errno.EACCES, errno.EPERM}
_UMASK = re.compile(r"^Umask:[ \t]*([0-7]+)$", re.MULTILINE)
_FILE = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # does not wait for the writer of a pipe


class Directory:
    """An open directory. Every ``name`` is that of a direct entry.

    :param descriptor: Descriptor of the directory; closed with this object.
    :param path: Path of the directory in errors.
    :param durable: Files published here survive power loss (``durable.py``).
    """

    def __init__(self, descriptor: int, path: str, *, durable: bool = True) -> None:
        self.descriptor = descriptor
        self.path = path
        self.durable = durable

    @classmethod
    def at(cls, path: str | os.PathLike[str], *, make: bool, durable: bool = True) -> Self:
        """Open the directory at a trusted path: links in it are followed.

        :param make: Create it and its parents if they are missing.
        """
        if make:
            make_folders(path, durable=durable)
        return cls(os.open(path, _FOLDER), os.fspath(path), durable=durable)

    def below(self, parts: Iterable[str], *, make: bool) -> Directory:
        """Open a subdirectory, without following links.

        :raises NameRefused: A link or a file is in the path.
        :raises FileNotFoundError: It does not exist, and ``make`` is False.
        """
        directory = Directory(os.dup(self.descriptor), self.path, durable=self.durable)
        for part in parts:
            directory = directory._next(part, make=make)
        return directory

    def _next(self, part: str, *, make: bool) -> Directory:
        path = os.path.join(self.path, part)  # noqa: PTH118 (text)
        try:
            if make:
                self._make(part)
            return Directory(os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=self.descriptor), path, durable=self.durable)
        except OSError as error:
            if error.errno in {errno.ENOTDIR, errno.ELOOP}:
                raise NameRefused(
                    f"{path!r} is in the way: it is a link or a file, not a folder; remove it, or choose another folder"
                ) from None
            raise
        finally:
            self.close()

    def _make(self, part: str) -> None:
        with contextlib.suppress(FileExistsError):
            os.mkdir(part, dir_fd=self.descriptor)
            if self.durable:
                sync_folder(self.descriptor)

    def names(self) -> list[str]:
        """List the names of the entries."""
        scanned = os.open(".", _FOLDER, dir_fd=self.descriptor)  # a scan moves the position of its descriptor
        try:
            return os.listdir(scanned)  # noqa: PTH208 (a path may lead elsewhere by now)
        finally:
            os.close(scanned)

    def stat(self, name: str) -> os.stat_result | None:
        """Return the status of an entry, without following a link; None if there is none."""
        try:
            return os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def stat_file(self, name: str) -> os.stat_result | None:
        """Return the status of a regular file; None if there is no entry.

        :raises NameRefused: The entry is a link, a folder, a pipe...
        """
        status = self.stat(name)
        if status is not None and not stat.S_ISREG(status.st_mode):
            kind = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a folder"}.get(stat.S_IFMT(status.st_mode))
            raise NameRefused(f"{os.path.join(self.path, name)!r} is {kind or 'no regular file'}: remove it")  # noqa: PTH118 (text)
        return status

    def open(self, name: str, flags: int = os.O_RDONLY) -> io.FileIO:
        """Open an existing file; a link is an error (ELOOP)."""
        return _file(os.open(name, flags | _FILE, dir_fd=self.descriptor), flags)

    def create(self, name: str, flags: int = os.O_RDWR) -> io.FileIO:
        """Create a file that only this user can open.

        :raises FileExistsError: The name is in use.
        """
        flags |= _FILE | os.O_CREAT | os.O_EXCL
        return _file(os.open(name, flags, PRIVATE, dir_fd=self.descriptor), flags)

    def open_own(self, name: str, flags: int = os.O_RDWR) -> io.FileIO | None:
        """Open an existing file if it is ours; None if there is none, or if another user may have put it there."""
        try:
            file = self.open(name, flags)
        except OSError as error:
            if error.errno in _NOT_OURS:
                return None
            raise
        if self.is_own(file):
            return file
        file.close()
        return None

    def open_to_update(self, name: str) -> io.FileIO | None:
        """Open our file without truncating it, or create it; None if another user may have created it."""
        with contextlib.suppress(FileExistsError):
            return self.create(name)
        return self.open_own(name)

    def is_own(self, file: io.FileIO, *, names: int = 1) -> bool:
        """Return whether it is a regular file of this user, or of the directory's owner, with no other hard link.

        The owner of a directory can replace any file in it, and many network file systems show one owner for all files.

        :param names: Most hard links that it may have.
        """
        status = os.fstat(file.fileno())
        owners = {os.geteuid(), os.fstat(self.descriptor).st_uid}
        return stat.S_ISREG(status.st_mode) and status.st_nlink <= names and status.st_uid in owners

    def read_own(self, name: str) -> bytes | None:
        """Return the content of our file, None if there is none or it is not ours."""
        file = self.open_own(name, os.O_RDONLY)
        if file is None:
            return None
        with file:
            return file.readall()

    def write(self, name: str, content: bytes, *, private: bool = True, synced: bool = False) -> None:
        """Write a whole file atomically.

        :param private: Readable by this user alone; else with the mode of the file it replaces, or the usual one.
        :param synced: It survives power loss, if the directory is durable.
        """
        new = f"{OWN_PREFIX}{secrets.token_hex(8)}.new"
        try:
            with io.BufferedWriter(self.create(new)) as file:
                file.write(content)
                file.flush()
                if not private:
                    os.fchmod(file.fileno(), self._usual_mode(name))
                durable = synced and self.durable
                publish(file.fileno(), new, name, folder=self.descriptor, durable=durable)
        except BaseException:
            self.unlink(new)
            raise

    def publish(self, file: int, temporary: str, final: str) -> None:
        """Give a file its final name, replacing a file or link of that name.

        Its mode becomes that of the file it replaces, or the usual one.
        """
        os.fchmod(file, self._usual_mode(final))
        publish(file, temporary, final, folder=self.descriptor, durable=self.durable)

    def _usual_mode(self, name: str) -> int:
        """Return the permissions of the file of that name, or those of new files; never set-user-id and the like."""
        status = self.stat(name)
        return status.st_mode & 0o777 if status and stat.S_ISREG(status.st_mode) else 0o666 & ~_umask()

    def sync(self) -> None:
        """Wait until the names in the directory are on disk."""
        sync_folder(self.descriptor)

    def unlink(self, name: str) -> None:
        """Remove a file, if it exists."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.descriptor)

    def case_sensitive(self) -> bool:
        """Return whether names that differ in case alone are different files here."""
        probe = f"{OWN_PREFIX}{secrets.token_hex(8)}.case"
        self.create(probe).close()
        try:
            return self.stat(probe.upper()) is None
        finally:
            self.unlink(probe)

    def close(self) -> None:
        """Close the directory, if it is open."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()


def _file(descriptor: int, flags: int) -> io.FileIO:
    try:
        return io.FileIO(descriptor, "rb" if flags & os.O_ACCMODE == os.O_RDONLY else "r+")
    except OSError:  # it is a directory, and FileIO does not close it
        os.close(descriptor)
        raise


def _umask() -> int:
    """Return the umask; from /proc where it exists, since reading it by ``os.umask`` changes it for all threads."""
    with contextlib.suppress(OSError):
        if match := _UMASK.search(Path("/proc/self/status").read_text()):
            return int(match[1], 8)
    mask = os.umask(0o077)
    os.umask(mask)
    return mask

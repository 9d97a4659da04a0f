"""A folder of this machine that is held open: from there on no name leads anywhere else.

Who may write to a folder on the way can put a link there at any time. A folder that is open stays the one it is, and
what is opened, looked at or renamed in it by a plain name follows no link. Who may write to the folder itself can put
files there under the names that we use: what is not ours is not adopted.
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

# Files that are not complete, or concern nobody else.
PRIVATE = 0o600
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# What the system says of names that are not those of files, or not for us to open.
_NOT_OURS = {errno.ENOENT, errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.ENODEV, errno.EACCES, errno.EPERM}
_UMASK = re.compile(r"^Umask:[ \t]*([0-7]+)$", re.MULTILINE)
_FILE = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # which does not wait for the writer of a pipe


class Directory:
    """An open folder. Every ``name`` is one of a file right in it.

    :param descriptor: Of the open folder; closed with this object.
    :param path: Names it in errors.
    :param durable: What gets its final name here survives power loss (``durable``).
    """

    def __init__(self, descriptor: int, path: str, *, durable: bool = True) -> None:
        self.descriptor = descriptor
        self.path = path
        self.durable = durable

    @classmethod
    def at(cls, path: str | os.PathLike[str], *, make: bool, durable: bool = True) -> Self:
        """Open the folder of a path that is trusted: links on the way are followed.

        :param make: Make it, and those on the way.
        """
        if make:
            make_folders(path, durable=durable)
        return cls(os.open(path, _FOLDER), os.fspath(path), durable=durable)

    def below(self, parts: Iterable[str], *, make: bool) -> Directory:
        """Open a folder further down, without following a link.

        :raises NameRefused: A link or a file is in the way.
        :raises FileNotFoundError: It is not there, and shall not be made.
        """
        found = Directory(os.dup(self.descriptor), self.path, durable=self.durable)
        for part in parts:
            found = found._next(part, make=make)
        return found

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
        """List what is right in it."""
        own = os.open(".", _FOLDER, dir_fd=self.descriptor)  # a scan moves where an open folder stands
        try:
            return os.listdir(own)  # noqa: PTH208 (a path may lead elsewhere by now)
        finally:
            os.close(own)

    def stat(self, name: str) -> os.stat_result | None:
        """Look at it, not at what it links to; None if there is nothing."""
        try:
            return os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def stat_file(self, name: str) -> os.stat_result | None:
        """Look at it, and refuse what is there and no file.

        :raises NameRefused: It is a link, a folder, a pipe...
        """
        found = self.stat(name)
        if found is not None and not stat.S_ISREG(found.st_mode):
            kind = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a folder"}.get(stat.S_IFMT(found.st_mode))
            raise NameRefused(f"{os.path.join(self.path, name)!r} is {kind or 'no regular file'}: remove it")  # noqa: PTH118 (text)
        return found

    def open(self, name: str, flags: int = os.O_RDONLY) -> io.FileIO:
        """Open a file that is there; a link is an error (ELOOP)."""
        return _file(os.open(name, flags | _FILE, dir_fd=self.descriptor), flags)

    def create(self, name: str, flags: int = os.O_RDWR) -> io.FileIO:
        """Make a new file, which nobody else can open.

        :raises FileExistsError: Something has that name.
        """
        flags |= _FILE | os.O_CREAT | os.O_EXCL
        return _file(os.open(name, flags, PRIVATE, dir_fd=self.descriptor), flags)

    def open_own(self, name: str, flags: int = os.O_RDWR, *, names: int = 1) -> io.FileIO | None:
        """Open a file that is there, if it is ours; None for nothing, and for what somebody else may have put there.

        :param names: How many it may have.
        """
        try:
            file = self.open(name, flags)
        except OSError as error:
            if error.errno in _NOT_OURS:
                return None
            raise
        if self.is_own(file, names=names):
            return file
        file.close()
        return None

    def open_to_update(self, name: str) -> io.FileIO | None:
        """Open a file of ours without losing what is there, or make it; None for what somebody else may have made."""
        with contextlib.suppress(FileExistsError):
            return self.create(name)
        return self.open_own(name)

    def is_own(self, file: io.FileIO, *, names: int = 1) -> bool:
        """Whether it is a regular file of this user, or of the folder's owner, under no other name.

        Who owns the folder can replace any file in it, and many network file systems show one owner for all.

        :param names: How many it may have.
        """
        found = os.fstat(file.fileno())
        owners = {os.geteuid(), os.fstat(self.descriptor).st_uid}
        return stat.S_ISREG(found.st_mode) and found.st_nlink <= names and found.st_uid in owners

    def read_own(self, name: str) -> bytes | None:
        """Return the content of a file, None if there is none or it is not ours."""
        file = self.open_own(name, os.O_RDONLY)
        if file is None:
            return None
        with file:
            return file.readall()

    def write(self, name: str, content: bytes, *, private: bool = True, synced: bool = False) -> None:
        """Put a whole file in its place at once.

        :param private: For this user alone; else its mode is that of the file it replaces, or as usual.
        :param synced: It survives power loss, if the folder is durable.
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
        """Give a file its final name; what has that name, a link too, is gone then.

        Its mode becomes that of the file it replaces, or as usual.
        """
        os.fchmod(file, self._usual_mode(final))
        publish(file, temporary, final, folder=self.descriptor, durable=self.durable)

    def _usual_mode(self, name: str) -> int:
        """Return the permissions of the file of that name, or those of new files; never set-user-id and the like."""
        found = self.stat(name)
        return found.st_mode & 0o777 if found and stat.S_ISREG(found.st_mode) else 0o666 & ~_umask()

    def sync(self) -> None:
        """Wait until the names in the folder are on disk."""
        sync_folder(self.descriptor)

    def unlink(self, name: str) -> None:
        """Remove it, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.descriptor)

    def case_sensitive(self) -> bool:
        """Tell whether names that differ in case alone are different files here."""
        probe = f"{OWN_PREFIX}{secrets.token_hex(8)}.case"
        self.create(probe).close()
        try:
            return self.stat(probe.upper()) is None
        finally:
            self.unlink(probe)

    def close(self) -> None:
        """Let it go. Harmless when it was."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()


def _file(descriptor: int, flags: int) -> io.FileIO:
    try:
        return io.FileIO(descriptor, "rb" if flags & os.O_ACCMODE == os.O_RDONLY else "r+")
    except OSError:  # it is a folder, and is not closed by that
        os.close(descriptor)
        raise


def _umask() -> int:
    """Return what new files are not allowed, without changing it for other threads where the system tells."""
    with contextlib.suppress(OSError):
        if found := _UMASK.search(Path("/proc/self/status").read_text()):
            return int(found[1], 8)
    mask = os.umask(0o077)
    os.umask(mask)
    return mask

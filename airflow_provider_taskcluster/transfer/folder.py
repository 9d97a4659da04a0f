"""A folder of this machine that is held open: from there on no name leads anywhere else.

Who may write to a folder on the way can put a link there at any time. A folder that is open stays the one it is, and
what is opened, looked at or renamed in it by a plain name follows no link.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import stat
from typing import TYPE_CHECKING, Self

from airflow_provider_taskcluster.exceptions import NameRefused
from airflow_provider_taskcluster.transfer.config import OURS

if TYPE_CHECKING:
    from collections.abc import Iterable

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # which does not wait for the writer of a pipe


class Folder:
    """An open folder. Every ``name`` is one of a file right in it.

    :param descriptor: Of the open folder; closed with this object.
    :param path: Names it in errors.
    """

    def __init__(self, descriptor: int, path: str) -> None:
        self.descriptor = descriptor
        self.path = path

    @classmethod
    def at(cls, path: str | os.PathLike[str], *, make: bool) -> Self:
        """Open the folder of a path that is trusted: links on the way are followed.

        :param make: Make it, and those on the way.
        """
        if make:
            os.makedirs(path, exist_ok=True)  # noqa: PTH103 (a path may be bare text)
        return cls(os.open(path, _FOLDER), os.fspath(path))

    def below(self, parts: Iterable[str], *, make: bool) -> Folder:
        """Open a folder further down, without following a link.

        :raises NameRefused: A link or a file is in the way.
        :raises FileNotFoundError: It is not there, and shall not be made.
        """
        found = Folder(os.dup(self.descriptor), self.path)
        for part in parts:
            found = found._next(part, make=make)
        return found

    def _next(self, part: str, *, make: bool) -> Folder:
        path = os.path.join(self.path, part)  # noqa: PTH118 (text)
        if make:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, dir_fd=self.descriptor)
        try:
            return Folder(os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=self.descriptor), path)
        except OSError as error:
            if error.errno in {errno.ENOTDIR, errno.ELOOP}:
                raise NameRefused(
                    f"{path!r} is in the way: it is a link or a file, not a folder; remove it, or choose another folder"
                ) from None
            raise
        finally:
            self.close()

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

    def file_or_nothing(self, name: str) -> os.stat_result | None:
        """Look at it, and refuse what is there and no file.

        :raises NameRefused: It is a link, a folder, a pipe...
        """
        found = self.stat(name)
        if found is not None and not stat.S_ISREG(found.st_mode):
            kind = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a folder"}.get(stat.S_IFMT(found.st_mode))
            raise NameRefused(f"{os.path.join(self.path, name)!r} is {kind or 'no regular file'}: remove it")  # noqa: PTH118 (text)
        return found

    def open(self, name: str, flags: int = os.O_RDONLY) -> io.FileIO:
        """Open a file; a link is an error (ELOOP)."""
        mode = "rb" if flags & os.O_ACCMODE == os.O_RDONLY else "r+"
        return io.FileIO(os.open(name, flags | _FILE, 0o666, dir_fd=self.descriptor), mode)

    def open_to_update(self, name: str) -> io.FileIO:
        """Open for reading and writing without losing what is there; make it if need be."""
        return self.open(name, os.O_RDWR | os.O_CREAT)

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, None if there is none."""
        if self.stat(name) is None:
            return None
        with self.open(name) as file:
            return file.readall()

    def write(self, name: str, content: bytes) -> None:
        """Put a whole file in its place at once."""
        new = f"{OURS}{secrets.token_hex(8)}.new"
        try:
            with io.BufferedWriter(self.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL)) as file:
                file.write(content)
            self.replace(new, name)
        except BaseException:
            self.unlink(new)
            raise

    def replace(self, old: str, new: str) -> None:
        """Rename; what has the new name, a link too, is gone then."""
        os.replace(old, new, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)

    def unlink(self, name: str) -> None:
        """Remove it, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.descriptor)

    def heeds_case(self) -> bool:
        """Tell whether names that differ in case alone are different files here."""
        probe = f"{OURS}{secrets.token_hex(8)}.case"
        with self.open(probe, os.O_RDWR | os.O_CREAT | os.O_EXCL):
            pass
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

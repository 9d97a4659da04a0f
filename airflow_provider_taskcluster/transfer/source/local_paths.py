"""Checks of local paths that a caller names, before anything is fetched or sent."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import InvalidInput, NameRefused

if TYPE_CHECKING:
    from pathlib import Path

# The limit of Linux.
_MOST_LINKS = 40


def path_text(path: Any) -> str:
    """Return a path as text.

    :raises InvalidInput: No file can have this path (it holds NUL, or characters that cannot be encoded), or it is not
        a path, or bytes.
    """
    try:
        text = os.fspath(path)
    except TypeError:  # its __fspath__ returns something else
        text = None
    if not isinstance(text, str):
        raise InvalidInput(f"A {type(path).__name__} that is {type(text).__name__} is no path: pass it as text")
    try:
        impossible = b"\0" in os.fsencode(text)
    except UnicodeEncodeError:
        impossible = True
    if impossible:
        raise InvalidInput(
            f"{text[:100]!r} cannot be a path: it holds a character that no file name can; name another one"
        )
    return text


def resolve_link(path: Path) -> Path:
    """Return the path itself, or the target if it is a symbolic link of ours or of root.

    :raises NameRefused: The link belongs to another user, who could choose which file is written.
    :raises OSError: A name is too long, links form a cycle, or the path is not accessible.
    """
    for _ in range(_MOST_LINKS):
        try:
            status = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return path
        if not stat.S_ISLNK(status.st_mode):
            return path
        if status.st_uid not in {0, os.geteuid()}:
            raise NameRefused(
                f"{str(path)!r} is a symbolic link of another user (uid {status.st_uid}), which could lead anywhere: "
                f"remove it, or choose another name"
            )
        path = path.parent / path.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def require_possible(path: Path, *, folder: bool = False) -> None:
    """Check that a file, or a folder, can exist at a path; it need not exist yet.

    :raises OSError: A name in it is too long, links form a cycle, the path is not accessible, or a file is in the
        place of the folder or of one of its parents.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        # The system has not checked the names after a missing folder.
        parents = path.absolute().parents
        exists = os.path.lexists if folder else os.path.exists
        existing = next(step for step in ([path] if folder else []) + [*parents] if exists(step))
        if folder and not existing.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(existing)) from None
        longest = os.pathconf(existing, "PC_NAME_MAX")
        if any(len(os.fsencode(part)) > longest for part in path.parts):
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), str(path)) from None
    else:
        if folder and not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))

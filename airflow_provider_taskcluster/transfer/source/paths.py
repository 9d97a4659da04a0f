"""Paths of this machine that a caller names, checked before anything is fetched or sent. Errors are final."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import InvalidInput, NameRefused

if TYPE_CHECKING:
    from pathlib import Path

# As many as Linux follows.
_MOST_LINKS = 40


def path_text(path: Any) -> str:
    """Return a path as text.

    :raises InvalidInput: No file can have it: it holds NUL, or what no encoding of names has. Or it is none, or bytes.
    """
    try:
        text = os.fspath(path)
    except TypeError:  # its __fspath__ returns something else
        text = None
    if not isinstance(text, str):
        raise InvalidInput(f"A {type(path).__name__} that is {type(text).__name__} is no path: pass it as text")
    try:
        odd = b"\0" in os.fsencode(text)
    except UnicodeEncodeError:
        odd = True
    if odd:
        raise InvalidInput(
            f"{text[:100]!r} cannot be a path: it holds a character that no file name can; name another one"
        )
    return text


def resolve_link(path: Path) -> Path:
    """Return the file that a path means: itself, or what the link of that name leads to.

    :raises NameRefused: The link is somebody else's: who made it would choose what is written.
    :raises OSError: A name is too long, links go in circles, the path may not be looked at.
    """
    for _ in range(_MOST_LINKS):
        try:
            found = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return path
        if not stat.S_ISLNK(found.st_mode):
            return path
        if found.st_uid not in {0, os.geteuid()}:
            raise NameRefused(
                f"{str(path)!r} is a symbolic link of another user (uid {found.st_uid}), which could lead anywhere: "
                f"remove it, or choose another name"
            )
        path = path.parent / path.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def require_possible(path: Path, *, folder: bool = False) -> None:
    """Check that there can be a file of that path, or a folder, which need not be there yet.

    :raises OSError: A name in it is too long, links go in circles, it may not be looked at; something else is in the
        place of a folder.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        # Behind a folder that is missing the system has looked at no name.
        steps = path.absolute().parents
        there = next(step for step in ([path] if folder else []) + [*steps] if os.path.lexists(step))
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(there)) from None
        longest = os.pathconf(there, "PC_NAME_MAX")
        if any(len(os.fsencode(part)) > longest for part in path.parts):
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), str(path)) from None
    else:
        if folder and not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))

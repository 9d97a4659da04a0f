"""What killed processes leave in a folder of this machine, and who removes it: whoever comes next, a day later.

Our own files beside those of a user are named ``.taskcluster-*``. Removed are, if they belong to the user who runs and
nobody holds their lock: small files that were about to be renamed (``.new``), probes (``.case``), partial files
without a record (``.part``), records without a partial file (``.json``), and folders of archives (``.extract``). What
a later try can go on with stays: a partial file and its record.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import stat
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.transfer.config import OWN_PREFIX
from airflow_provider_taskcluster.transfer.sink.directory import Directory

if TYPE_CHECKING:
    from collections.abc import Iterator

# Seconds after which something that nobody holds was left behind.
AGE = 24 * 60 * 60
# Looking through folders takes one part in so many of the time at most.
SWEEP_DIVISOR = 20
STAGING = "extract"
_LOCK = f"{OWN_PREFIX}lock"
_NAME = re.compile(rf"{re.escape(OWN_PREFIX)}[0-9A-Za-z_]+\.(new|case|part|json|extract)")
# What makes a file worth keeping: the other one.
_BESIDE = {"part": "json", "json": "part"}
_MOST_KNOWN = 10_000
# When a folder is looked through again, by its device and number.
_due: dict[tuple[int, int], float] = {}


def sweep(folder: Directory) -> None:
    """Remove what was left right in a folder. It never fails: what cannot be removed stays."""
    with contextlib.suppress(OSError):
        for name in folder.names():
            if match := _NAME.fullmatch(name):
                _remove_if_left(folder, name, match[1])


def sweep_if_due(folder: Directory) -> None:
    """Do the same where many files go to one folder: a large one is not looked through for each of them."""
    with contextlib.suppress(OSError):
        found, now = os.fstat(folder.descriptor), time.monotonic()
        place = (found.st_dev, found.st_ino)
        if now < _due.get(place, 0):
            return
        sweep(folder)
        if len(_due) >= _MOST_KNOWN:
            _due.clear()
        done = time.monotonic()
        _due[place] = done + (done - now) * (SWEEP_DIVISOR - 1)


def _remove_if_left(folder: Directory, name: str, kind: str) -> None:
    with contextlib.suppress(OSError):
        found = folder.stat(name)
        if found is None or found.st_uid != os.geteuid() or found.st_mtime > time.time() - AGE:
            return
        if kind == STAGING and stat.S_ISDIR(found.st_mode):
            _remove_staging(folder, name)
        elif kind != STAGING and stat.S_ISREG(found.st_mode):
            beside = _BESIDE.get(kind)
            if beside is None or folder.stat(f"{name.removesuffix(kind)}{beside}") is None:
                _remove_file(folder, name, found)


def _remove_file(folder: Directory, name: str, found: os.stat_result) -> None:
    with folder.open(name, os.O_RDWR) as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        now = folder.stat(name)
        if now is not None and (now.st_ino, now.st_mtime_ns) == (found.st_ino, found.st_mtime_ns):
            folder.unlink(name)


def _remove_staging(folder: Directory, name: str) -> None:
    with closing(folder.below([name], make=False)) as left, contextlib.ExitStack() as held:
        if left.stat(_LOCK) is not None:
            lock = held.enter_context(left.open(_LOCK, os.O_RDWR))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove_tree(folder, name)


@contextmanager
def staging(root: Path) -> Iterator[Path]:
    """Make a new folder in another, which is gone afterwards; while it is there nobody sweeps it.

    :raises OSError: It cannot be made.
    """
    path = Path(tempfile.mkdtemp(prefix=OWN_PREFIX, suffix=f".{STAGING}", dir=root))
    try:
        with (path / _LOCK).open("xb") as lock:
            with contextlib.suppress(OSError):  # some file systems have no locks
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield path
    finally:
        with contextlib.suppress(OSError), closing(Directory.at(root, make=False)) as above:
            remove_tree(above, path.name)


def remove_tree(folder: Directory, name: str) -> None:
    """Remove a folder and all below it, however deep: neither the stack nor the number of open files limits it.

    :raises OSError: Something of it cannot be removed.
    """
    with closing(folder.below([name], make=False)) as top:
        while names := top.names():
            for one in names:
                _remove_or_raise(top, one)
    os.rmdir(name, dir_fd=folder.descriptor)


def _remove_or_raise(top: Directory, name: str) -> None:
    """Remove a file, or a folder, whose own folders are raised to the top: they come next."""
    if not _is_folder(top, name):
        top.unlink(name)
        return
    with closing(top.below([name], make=False)) as folder:
        for one in folder.names():
            if _is_folder(folder, one):
                new = f"{OWN_PREFIX}{secrets.token_hex(8)}"
                os.rename(one, new, src_dir_fd=folder.descriptor, dst_dir_fd=top.descriptor)
            else:
                folder.unlink(one)
    os.rmdir(name, dir_fd=top.descriptor)


def _is_folder(folder: Directory, name: str) -> bool:
    found = folder.stat(name)
    return found is not None and stat.S_ISDIR(found.st_mode)

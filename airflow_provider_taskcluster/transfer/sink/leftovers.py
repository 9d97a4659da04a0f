"""Removes files that killed processes left in a local folder, one day later, when the next transfer uses the folder.

Our own files there are named ``.taskcluster-*``. Those of the current user whose lock is free are removed: small files
that were about to be renamed (``.new``), probes (``.case``), partial files without a checkpoint (``.part``),
checkpoints without a partial file (``.json``), and staging folders of archives (``.extract``). A partial file with its
checkpoint stays: a later try can resume it.
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

# Seconds after which an unlocked file counts as left behind.
AGE = 24 * 60 * 60
# Sweeping folders takes at most one part in this many of the time, and a folder is swept once in these seconds.
SWEEP_DIVISOR = 20
SWEEP_SECONDS = 60
STAGING = "extract"
_LOCK = f"{OWN_PREFIX}lock"
_NAME = re.compile(rf"{re.escape(OWN_PREFIX)}[0-9A-Za-z_]+\.(new|case|part|json|extract)")
# The companion that makes a file worth keeping.
_COMPANIONS = {"part": "json", "json": "part"}
_MOST_KNOWN = 10_000
# When a folder is due for a sweep again, by device and inode.
_due: dict[tuple[int, int], float] = {}


def sweep(folder: Directory) -> None:
    """Remove the leftovers in a folder. It never fails: what cannot be removed stays."""
    with contextlib.suppress(OSError):
        for name in folder.names():
            if match := _NAME.fullmatch(name):
                _remove_if_left(folder, name, match[1])


def sweep_if_due(folder: Directory) -> None:
    """Sweep a folder unless that was done recently: a large one is not scanned for each file written to it."""
    with contextlib.suppress(OSError):
        status, now = os.fstat(folder.descriptor), time.monotonic()
        key = (status.st_dev, status.st_ino)
        if now < _due.get(key, 0):
            return
        sweep(folder)
        if len(_due) >= _MOST_KNOWN:
            _due.clear()
        done = time.monotonic()
        _due[key] = done + max(SWEEP_SECONDS, (done - now) * (SWEEP_DIVISOR - 1))


def _remove_if_left(folder: Directory, name: str, kind: str) -> None:
    with contextlib.suppress(OSError):
        status = folder.stat(name)
        if status is None or status.st_uid != os.geteuid() or status.st_mtime > time.time() - AGE:
            return
        if kind == STAGING and stat.S_ISDIR(status.st_mode):
            _remove_staging(folder, name)
        elif kind != STAGING and stat.S_ISREG(status.st_mode):
            companion = _COMPANIONS.get(kind)
            if companion is None or folder.stat(f"{name.removesuffix(kind)}{companion}") is None:
                _remove_file(folder, name, status)


def _remove_file(folder: Directory, name: str, status: os.stat_result) -> None:
    with folder.open(name, os.O_RDWR) as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        now = folder.stat(name)
        if now is not None and (now.st_ino, now.st_mtime_ns) == (status.st_ino, status.st_mtime_ns):
            folder.unlink(name)


def _remove_staging(folder: Directory, name: str) -> None:
    with closing(folder.below([name], make=False)) as left, contextlib.ExitStack() as stack:
        if left.stat(_LOCK) is not None:
            lock = stack.enter_context(left.open(_LOCK, os.O_RDWR))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove_tree(folder, name)


@contextmanager
def staging(root: Path) -> Iterator[Path]:
    """Create a temporary folder inside another, locked against sweeps, and remove it at the end.

    :raises OSError: It cannot be created.
    """
    path = Path(tempfile.mkdtemp(prefix=OWN_PREFIX, suffix=f".{STAGING}", dir=root))
    try:
        with (path / _LOCK).open("xb") as lock:
            with contextlib.suppress(OSError):  # some file systems have no locks
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield path
    finally:
        with contextlib.suppress(OSError), closing(Directory.at(root, make=False)) as parent:
            remove_tree(parent, path.name)


def remove_tree(folder: Directory, name: str) -> None:
    """Remove a folder and its content, at any depth: it needs neither recursion nor many open files.

    :raises OSError: An entry cannot be removed.
    """
    with closing(folder.below([name], make=False)) as top:
        while names := top.names():
            for entry in names:
                _remove_or_lift(top, entry)
    os.rmdir(name, dir_fd=folder.descriptor)


def _remove_or_lift(top: Directory, name: str) -> None:
    """Remove a file, or a folder after moving its subfolders to the top, where they are removed next."""
    if not _is_folder(top, name):
        top.unlink(name)
        return
    with closing(top.below([name], make=False)) as folder:
        for entry in folder.names():
            if _is_folder(folder, entry):
                new = f"{OWN_PREFIX}{secrets.token_hex(8)}"
                os.rename(entry, new, src_dir_fd=folder.descriptor, dst_dir_fd=top.descriptor)
            else:
                folder.unlink(entry)
    os.rmdir(name, dir_fd=top.descriptor)


def _is_folder(folder: Directory, name: str) -> bool:
    status = folder.stat(name)
    return status is not None and stat.S_ISDIR(status.st_mode)

"""Files of upload records on this machine: read if they are ours, written so that no other process is overwritten."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import closing
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.transfer.sink.base import write_all
from airflow_provider_taskcluster.transfer.sink.directory import Directory
from airflow_provider_taskcluster.transfer.sink.durable import sync_data

if TYPE_CHECKING:
    import io
    from pathlib import Path

# How the name of a record ends while it is written.
NEW = ".new"


def read_local(path: Path, name: str) -> str:
    """Return the text of a record; nothing if it is not ours: a link, another user's, or one with a second name.

    :param path: The folder.
    :raises OSError: It cannot be read, or there is no such file.
    """
    with closing(Directory.at(path, make=False)) as folder:
        found = folder.stat(name)
        if found is not None and stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, f"{name} is a folder")
        opened = folder.open_own(name, os.O_RDONLY, names=2)
        if opened is None:
            return ""
        with opened:
            return opened.readall().decode() if _has_one_name(folder, name, opened) else ""


def write_local(file: Path, text: str, *, first: bool) -> bool:
    """Write a record, and sync it.

    :param first: Only if there is none.
    :return: Whether it was written.
    """
    new = file.with_name(f"{file.name}.{secrets.token_hex(4)}{NEW}")
    with closing(Directory.at(file.parent, make=True)) as folder:
        try:
            with folder.create(new.name) as opened:
                write_all(opened.write, text.encode())
                sync_data(opened.fileno())
            kept = _linked(new, file) if first else None
            if kept is None:
                new.replace(file)
            folder.sync()
        finally:
            new.unlink(missing_ok=True)
    return kept is not False


def _has_one_name(folder: Directory, name: str, file: io.FileIO) -> bool:
    """Whether a record has no name but its own, and that under which it is written while it gets its own."""
    found = os.fstat(file.fileno())
    if found.st_nlink > 1:
        new = [other for other in folder.names() if other.startswith(f"{name}.") and other.endswith(NEW)]
        if any(twin.st_ino == found.st_ino for twin in map(folder.stat, new) if twin is not None):
            return True
    return os.fstat(file.fileno()).st_nlink <= 1  # looked at again: it may have lost the other meanwhile


def _linked(new: Path, file: Path) -> bool | None:
    """Give a file its name if that is free; return whether it was, None where the file system has no links."""
    try:
        os.link(new, file)
    except FileExistsError:
        return False
    except OSError:
        return None
    return True

"""Local files of upload records: read only if they are ours, written without overwriting another process's."""

from __future__ import annotations

import os
import secrets
from contextlib import closing
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.transfer.sink.base import write_all
from airflow_provider_taskcluster.transfer.sink.directory import Directory
from airflow_provider_taskcluster.transfer.sink.durable import sync_data

if TYPE_CHECKING:
    import io
    from pathlib import Path

# Suffix of a record's name while it is written.
TEMPORARY_SUFFIX = ".new"


def read_local(path: Path, name: str) -> str:
    """Return the text of a record; "" if it is another user's, or has a second name.

    :param path: The folder.
    :raises OSError: The file cannot be read (a link, a folder), or does not exist.
    """
    with closing(Directory.at(path, make=False)) as folder, folder.open(name) as opened:
        ours = folder.is_own(opened, names=2) and _has_one_name(folder, name, opened)
        return opened.readall().decode() if ours else ""


def write_local(file: Path, text: str, *, first: bool) -> bool:
    """Write a record, and sync it.

    :param first: Write only if there is none.
    :return: Whether it was written.
    """
    new = file.with_name(f"{file.name}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    with closing(Directory.at(file.parent, make=True)) as folder:
        try:
            with folder.create(new.name) as opened:
                write_all(opened.write, text.encode())
                sync_data(opened.fileno())
            kept = _link(new, file) if first else None
            if kept is None:
                new.replace(file)
            folder.sync()
        finally:
            new.unlink(missing_ok=True)
    return kept is not False


def _has_one_name(folder: Directory, name: str, file: io.FileIO) -> bool:
    """Tell whether a record has no further hard link, except its temporary name while it is being written."""
    status = os.fstat(file.fileno())
    if status.st_nlink > 1:
        new = [other for other in folder.names() if other.startswith(f"{name}.") and other.endswith(TEMPORARY_SUFFIX)]
        if any(twin.st_ino == status.st_ino for twin in map(folder.stat, new) if twin is not None):
            return True
    return os.fstat(file.fileno()).st_nlink <= 1  # checked again: the other name may be gone by now


def _link(new: Path, file: Path) -> bool | None:
    """Hard-link a file to its final name; return whether the name was free, None without support for links."""
    try:
        os.link(new, file)
    except FileExistsError:
        return False
    except OSError:
        return None
    return True

"""Durability on local disks: the order of sync and rename, in one place.

The kernel keeps written bytes in memory for up to half a minute, and a rename may reach the disk before the bytes of
the file. So a file that must survive power loss is published in this order: its bytes are synced (fdatasync), it is
renamed, and its folder is synced. Write-back is started early, so that the sync at the end is short.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# SYNC_FILE_RANGE_WRITE of linux/fs.h: start the write-back of dirty pages, and do not wait for it.
_WRITE = 2
# Errors of file systems that cannot sync a folder.
_NO_FOLDER_SYNC = {errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.ENOSYS}


def publish(file: int, temporary: str, final: str, *, folder: int, durable: bool = True) -> None:
    """Rename a file to its final name, replacing a file of that name.

    :param file: Descriptor of the file.
    :param folder: Descriptor of the folder that both names are in.
    :param durable: After power loss at any moment, the final name has either all new bytes or its old content; once
        this returns, it has the new bytes.
    :raises OSError: The bytes cannot be written, or the file cannot be renamed.
    """
    if durable:
        sync_data(file)
    os.replace(temporary, final, src_dir_fd=folder, dst_dir_fd=folder)
    if durable:
        sync_folder(folder)


def make_folders(path: str | os.PathLike[str], *, durable: bool = True) -> None:
    """Create a folder and its parents, where they are missing.

    :param durable: The new folders survive power loss once this returns.
    :raises OSError: They cannot be created.
    """
    whole = Path(path)
    missing = [step for step in (whole, *whole.parents) if not os.path.exists(step)]  # noqa: PTH110 (never raises)
    whole.mkdir(parents=True, exist_ok=True)
    for step in missing if durable else []:
        parent = os.open(step.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            sync_folder(parent)
        finally:
            os.close(parent)


def sync_data(file: int) -> None:
    """Wait until the content of a file is on disk.

    :raises OSError: The disk failed, or is full.
    """
    getattr(os, "fdatasync", os.fsync)(file)  # macOS has no fdatasync


def sync_folder(folder: int) -> None:
    """Wait until the names in a folder are on disk, where the file system can sync a folder."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise


def sync_file_system(file: int) -> None:
    """Wait until the whole file system of a file is on disk; cheaper than many syncs of small files.

    :raises OSError: The disk failed, or is full.
    """
    if (sync := _function("syncfs", ctypes.c_int)) is None:
        os.sync()
    elif sync(file):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def start_writeback(file: int) -> None:
    """Ask the kernel to start the write-back of a file. It is a hint and guarantees nothing."""
    if begin := _function("sync_file_range", ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint):
        begin(file, 0, 0, _WRITE)


@functools.cache
def boot_id() -> str:
    """Return the id of this boot of the machine, which no other boot or machine has."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return secrets.token_hex(16)  # unknown: an id of this process alone


@functools.cache
def _function(name: str, *arguments: type) -> Callable[..., int] | None:
    """Return a function of the C library that the standard library lacks; None if it does not exist."""
    function = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    if function is not None:
        function.argtypes = arguments
    return function

"""When bytes are on disk: what is synced before what, in one place.

What is written stays in memory for up to half a minute before the kernel writes it out, and a rename may reach the disk
before the bytes that it names. So a file that must survive power loss gets its name in this order: the bytes are synced
(fdatasync), the file is renamed, and the folder is synced. Writing out begins early, so that the sync has little left
to wait for.
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

# SYNC_FILE_RANGE_WRITE of linux/fs.h: begin to write out what is dirty, and do not wait for it.
_WRITE = 2
# Answers of file systems that cannot sync a folder.
_NO_FOLDER_SYNC = {errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.ENOSYS}


def publish(file: int, temporary: str, final: str, *, folder: int, durable: bool = True) -> None:
    """Rename a file to its final name, replacing what has that name.

    :param file: Descriptor of the file.
    :param folder: Descriptor of the folder that both names are in.
    :param durable: After power loss at any moment, the final name has all of the new bytes or is what it was before;
        once this returns, it has the new bytes.
    :raises OSError: The disk does not take the bytes, or the name cannot be given.
    """
    if durable:
        sync_data(file)
    os.replace(temporary, final, src_dir_fd=folder, dst_dir_fd=folder)
    if durable:
        sync_folder(folder)


def make_folders(path: str | os.PathLike[str], *, durable: bool = True) -> None:
    """Make a folder and those on the way to it, where they are missing.

    :param durable: Those that were missing survive power loss once this returns.
    :raises OSError: They cannot be made.
    """
    whole = Path(path)
    missing = [step for step in (whole, *whole.parents) if not os.path.exists(step)]  # noqa: PTH110 (never raises)
    whole.mkdir(parents=True, exist_ok=True)
    for step in missing if durable else []:
        above = os.open(step.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            sync_folder(above)
        finally:
            os.close(above)


def sync_data(file: int) -> None:
    """Wait until the content of a file is on disk.

    :raises OSError: It is not: the disk failed, or is full.
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
    """Wait until all that was written to the file system of a file is on disk: for many small files at once.

    :raises OSError: The disk failed, or is full.
    """
    if (sync := _function("syncfs", ctypes.c_int)) is None:
        os.sync()
    elif sync(file):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def start_writeback(file: int) -> None:
    """Let the kernel begin to write out what is in memory of a file. It is a hint: nothing is promised by it."""
    if begin := _function("sync_file_range", ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint):
        begin(file, 0, 0, _WRITE)


@functools.cache
def boot_id() -> str:
    """Return what tells this run of the machine from those before and after it, and from other machines."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return secrets.token_hex(16)  # of this process alone, which is less than it could be


@functools.cache
def _function(name: str, *arguments: type) -> Callable[..., int] | None:
    """Return a function of the C library, which the standard library does not name; None where there is none."""
    function = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    if function is not None:
        function.argtypes = arguments
    return function

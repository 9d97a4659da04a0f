"""Disks for a client to write to: a folder, a file system that can be full, or one that can lose power.

The last two must be mounted by root. Without root, a limit on the size of files replaces the full disk, and power
losses are left out.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

# Enough for the largest plan and the files that it replaces.
SMALL = 24 << 20
IMAGE = 64 << 20
# A long commit interval, so that ext4 writes its journal only on fsync.
IMAGE_OPTIONS = "loop,noatime,commit=600"
STOP_SECONDS = 60
# https://man7.org/linux/man-pages/man2/unshare.2.html
CLONE_NEWNS = 0x00020000


class Disk:
    """A plain folder.

    :param path: The folder, which is created.
    """

    limits_files = False
    loses_power = False

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    def fill(self, room: int) -> None:
        """Fill the disk, except for ``room`` bytes."""

    def free(self) -> None:
        """Undo ``fill``."""

    def sync(self) -> None:
        """Write all data to the disk."""

    def capture(self, *, commit: bool) -> None:
        """Save the current state of the disk.

        :param commit: Write the journal first.
        """

    def lose_power(self) -> None:
        """Restore the captured state, as after a reboot. No process may use the disk."""

    def close(self) -> None:
        """Unmount the disk."""


class LimitedDisk(Disk):
    """A folder for a client with a limit on the size of files, which replaces a full disk without root."""

    limits_files = True


class SmallDisk(Disk):
    """A small file system in memory, which can be full."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        _run("mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", path)

    @property
    def _filler(self) -> Path:
        return self.path / "filler"

    def fill(self, room: int) -> None:
        free = shutil.disk_usage(self.path).free
        self._filler.write_bytes(bytes(max(0, free - room)))

    def free(self) -> None:
        self._filler.unlink(missing_ok=True)

    def close(self) -> None:
        _run("umount", "--lazy", self.path)


class ImageDisk(Disk):
    """A file system in an image file; a copy of the image is the state after a power loss."""

    loses_power = True

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._image, self._captured = path.with_suffix(".image"), path.with_suffix(".captured")
        with self._image.open("wb") as image:
            image.truncate(IMAGE)
        _run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,nodiscard", self._image)
        self._mount()

    def sync(self) -> None:
        _run("sync", "--file-system", self.path)

    def capture(self, *, commit: bool) -> None:
        if commit:
            _sync(self.path)
        _run("cp", "--sparse=always", self._image, self._captured)

    def lose_power(self) -> None:
        self.close()
        self._captured.replace(self._image)
        self._mount()

    def close(self) -> None:
        _run("umount", self.path)

    def _mount(self) -> None:
        _run("mount", "-o", IMAGE_OPTIONS, self._image, self.path)


def make_disk(kind: str, path: Path) -> Disk:
    """Create the disk of a plan, or its replacement where this process cannot mount."""
    if kind == "small":
        return SmallDisk(path) if can_mount() else LimitedDisk(path)
    return ImageDisk(path) if kind == "image" and can_mount() else Disk(path)


def make_mounts_private() -> None:
    """Move this process to a mount namespace of its own, so that its mounts end with it."""
    if os.geteuid() == 0 and ctypes.CDLL(None).unshare(CLONE_NEWNS) == 0:
        _run("mount", "--make-rprivate", "/")


@functools.cache
def can_mount() -> bool:
    """Whether this process may mount file systems, including image files."""
    if os.geteuid() != 0:
        return False
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as folder,
        contextlib.suppress(subprocess.CalledProcessError, OSError),
    ):
        ImageDisk(Path(folder) / "disk").close()
        return True
    return False


def wait_until_stopped(pid: int) -> None:
    """Wait until all threads of a process have stopped, after SIGSTOP."""
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        stats = [stat.read_text() for stat in Path(f"/proc/{pid}/task").glob("*/stat")]
        if all(stat.rpartition(")")[2].split()[0] in {"T", "t"} for stat in stats):
            return
        time.sleep(0.005)
    raise RuntimeError(f"process {pid} does not stop")


def _sync(folder: Path) -> None:
    """Write the journal of a folder's file system, by changing the folder and syncing it."""
    os.utime(folder)
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)

"""Where a client writes: a folder, a file system that can be full, or one that can lose power.

The last two are mounted, which takes root. Without, a limit on the size of files stands for the full disk, and power
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

# As large as the largest plan needs, with what it replaces.
SMALL = 24 << 20
IMAGE = 64 << 20
# ext4 writes its journal only when it is told to, not by the clock: nothing but fsync makes anything last.
IMAGE_OPTIONS = "loop,noatime,commit=600"
STOP_SECONDS = 60
# https://man7.org/linux/man-pages/man2/unshare.2.html
CLONE_NEWNS = 0x00020000


class Disk:
    """A folder.

    :param path: Where it is; it is made.
    """

    limits_files = False
    loses_power = False

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    def fill(self, room: int) -> None:
        """Leave so many bytes free."""

    def free(self) -> None:
        """Make room again."""

    def settle(self) -> None:
        """Let everything reach the disk."""

    def capture(self, *, commit: bool) -> None:
        """Keep what is on the disk now.

        :param commit: Let the journal be written before.
        """

    def lose_power(self) -> None:
        """Go back to what was captured, as after a reboot. No process may use it."""

    def close(self) -> None:
        """Unmount it."""


class LimitedDisk(Disk):
    """A folder for a client whose files may not grow: what a full disk is without root."""

    limits_files = True


class SmallDisk(Disk):
    """A file system in memory."""

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
    """A file system in a file, of which a copy at any moment is what a power loss would leave."""

    loses_power = True

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._image, self._captured = path.with_suffix(".image"), path.with_suffix(".captured")
        with self._image.open("wb") as image:
            image.truncate(IMAGE)
        _run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,nodiscard", self._image)
        self._mount()

    def settle(self) -> None:
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


def disk(kind: str, path: Path) -> Disk:
    """Make the disk of a plan, or what comes next to it here."""
    if kind == "small":
        return SmallDisk(path) if can_mount() else LimitedDisk(path)
    return ImageDisk(path) if kind == "image" and can_mount() else Disk(path)


def keep_mounts_to_ourselves() -> None:
    """Let nobody else see what this process mounts, so that it is gone with it, whatever ends it."""
    if os.geteuid() == 0 and ctypes.CDLL(None).unshare(CLONE_NEWNS) == 0:
        _run("mount", "--make-rprivate", "/")


@functools.cache
def can_mount() -> bool:
    """Whether this process may mount file systems, those in files too."""
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
    """Wait until no thread of a process runs, after SIGSTOP."""
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        stats = [stat.read_text() for stat in Path(f"/proc/{pid}/task").glob("*/stat")]
        if all(stat.rpartition(")")[2].split()[0] in {"T", "t"} for stat in stats):
            return
        time.sleep(0.005)
    raise RuntimeError(f"process {pid} does not stop")


def _sync(folder: Path) -> None:
    """Change a folder and write it to the disk, and with it the whole journal of its file system."""
    os.utime(folder)
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)

"""A disk that can lose power: an ext4 file system in an image, which is copied at that moment.

What the kernel has not written out is not in the copy, as it would not be on the disk.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
NOT_RUN = "**** NOT RUN: power loss is tried on an image mounted by loop, which takes"


@dataclass(frozen=True)
class Disk:
    """A mounted image.

    :param folder: Its root.
    """

    image: Path
    folder: Path

    @contextlib.contextmanager
    def after_power_loss(self) -> Iterator[Path]:
        """Copy the image and mount the copy; where the kernel writes to it meanwhile, take another copy.

        Whoever writes to the disk should be stopped.
        """
        copies = [self.image.with_name(f"copy-{os.urandom(4).hex()}") for _ in range(2)]
        try:
            for _ in range(50):
                for copy in copies:
                    shutil.copyfile(self.image, copy)
                if subprocess.run(["cmp", "--silent", *copies], check=False).returncode == 0:
                    break
            else:
                raise AssertionError("the image never stood still")
            with mounted(copies[0]) as folder:
                yield folder
        finally:
            for copy in copies:
                copy.unlink(missing_ok=True)


@contextlib.contextmanager
def mounted(image: Path) -> Iterator[Path]:
    """Mount an image on a folder of its own. The journal is written out often, as on a disk that is busy."""
    folder = Path(tempfile.mkdtemp(prefix="mounted-", dir=image.parent))
    subprocess.run(["mount", "-o", "loop,commit=1", image, folder], check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


@contextlib.contextmanager
def new_disk(folder: Path, size: int) -> Iterator[Disk]:
    """Make a disk of so many bytes; skip the test where that cannot be."""
    if os.geteuid() != 0:
        pytest.skip(f"{NOT_RUN} root ****")
    if not (shutil.which("mkfs.ext4") and shutil.which("mount")):
        pytest.skip(f"{NOT_RUN} mkfs.ext4 and mount ****")
    image = folder / "image"
    with image.open("wb") as file:
        file.truncate(size)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True, capture_output=True)
    with contextlib.ExitStack() as stack:
        try:
            root = stack.enter_context(mounted(image))
        except subprocess.CalledProcessError as error:
            pytest.skip(f"{NOT_RUN} a kernel that does it: {error.stderr.decode().strip()} ****")
        yield Disk(image, root)

"""Writes what is in an archive into a folder of this machine, and nothing anywhere else.

The rules are those of the standard library's ``data`` filter (PEP 706) and stricter, for zip as for tar, and hold
whatever that library can be led to believe: all is written to a new folder first, where each file must be new
(``O_EXCL``), and symbolic links come last, so that nothing can be written through one. They go up by leading ``..``
alone, and not out of the folder. Only when all of an archive is there are its files moved to their final names.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import tempfile
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import ArchiveRefused, DestinationError, TooLarge
from airflow_provider_taskcluster.transfer.archives import entries, readable
from airflow_provider_taskcluster.transfer.config import GIB, MIB
from airflow_provider_taskcluster.transfer.folder import Folder
from airflow_provider_taskcluster.transfer.sink import explained, write_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_taskcluster.transfer.archives import Entry

# Control characters, what separates or names drives elsewhere, and what this provider keeps beside its files.
UNFIT = re.compile(r"[\x00-\x1f\x7f\\]|^[A-Za-z]:|^\.taskcluster-")
PREFIX, SUFFIX = ".taskcluster-", ".extract"
DAY = 24 * 60 * 60
CLASHES = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR}
NO_NAMES = {errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL}


@dataclass(frozen=True)
class ExtractionLimits:
    """How much an archive may hold.

    :param max_bytes: Of all files together.
    :param max_files: Files, links and folders.
    """

    max_bytes: int = 16 * GIB
    max_files: int = 100_000


@dataclass(frozen=True)
class Extracted:
    """What came out of an archive.

    :param folder: Where it is.
    :param files: Number of files and links.
    :param size: Bytes of all files.
    """

    folder: str
    files: int
    size: int


def extract(
    archive: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    limits: ExtractionLimits | None = None,
    check: Callable[[], None] = lambda: None,
) -> Extracted:
    """Extract an archive into a folder, which is made if need be.

    Files of the same names that are there are replaced, when all of the archive is known to be good.

    :param check: Called again and again; raises to end it.
    :raises ArchiveRefused: It is broken, or holds what must not be written. Nothing of it is left.
    :raises TooLarge: It holds more than the limits allow. Nothing of it is left.
    :raises NameRefused: A link is in the place of a folder. Nothing was written through it.
    :raises DestinationError: The folder cannot be written.
    """
    root = Path(folder)
    with explained(str(folder)):
        root.mkdir(parents=True, exist_ok=True)
        _sweep(root)
        staging = Path(tempfile.mkdtemp(prefix=PREFIX, suffix=SUFFIX, dir=root))
    try:
        staged = _Staged(Path(archive), staging, limits or ExtractionLimits(), check)
        staged.fill()
        with explained(str(folder)):
            staged.publish(root)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return Extracted(str(folder), len(staged.files), staged.size)


def _sweep(root: Path) -> None:
    """Remove what killed processes have left."""
    for left in root.glob(f"{PREFIX}*{SUFFIX}"):
        with contextlib.suppress(OSError):
            if left.stat().st_mtime < time.time() - DAY:
                shutil.rmtree(left, ignore_errors=True)


class _Staged:
    """What is in an archive, in a new folder that nobody else writes to."""

    def __init__(self, archive: Path, staging: Path, limits: ExtractionLimits, check: Callable[[], None]) -> None:
        self.files: dict[Path, Entry] = {}
        self.size = 0
        self._archive = archive
        self._staging = staging
        self._limits = limits
        self._check = check
        self._folders: dict[Path, None] = {Path(): None}

    def fill(self) -> None:
        """Write all of the archive."""
        for entry in entries(self._archive, self._limits.max_files):
            self._check()
            self._add(entry)
        for path, entry in self.files.items():
            if entry.kind == "symlink":
                with self._fitting(entry.name):
                    (self._staging / path).symlink_to(_target(entry, depth=len(path.parts) - 1))

    def publish(self, root: Path) -> None:
        """Move all of it to its final names.

        :raises NameRefused: A symbolic link, or a file, is there in the place of a folder.
        """
        with closing(Folder.at(root, make=True)) as final, closing(Folder.at(self._staging, make=False)) as staged:
            for folder in self._folders:
                final.below(folder.parts, make=True).close()
            for path in self.files:
                with closing(final.below(path.parent.parts, make=False)) as into:
                    os.replace(path, path.name, src_dir_fd=staged.descriptor, dst_dir_fd=into.descriptor)

    def _add(self, entry: Entry) -> None:
        path = Path(*_parts(entry.name))
        with self._fitting(entry.name):
            self._make(path if entry.kind == "folder" else path.parent)
        if entry.kind == "folder":
            return
        if path in self._folders or path in self.files:
            raise _refused(entry.name, "is there twice")
        self._count()
        match entry.kind:
            case "file":
                self._write(entry, self._staging / path)
            case "hardlink":
                self._link(entry, self._staging / path)
            case _:  # symbolic links come last, but are refused at once
                _target(entry, depth=len(path.parts) - 1)
        self.files[path] = entry

    def _make(self, folder: Path) -> None:
        """Make the folder and those on the way."""
        missing = [step for step in [folder, *folder.parents] if step not in self._folders]
        for step in reversed(missing):
            if step in self.files:
                raise FileExistsError(errno.EEXIST, "it is a file", str(step))
            self._count()
            (self._staging / step).mkdir()
            self._folders[step] = None

    def _count(self) -> None:
        if len(self.files) + len(self._folders) > self._limits.max_files:
            raise TooLarge(f"{self._archive} holds more than {self._limits.max_files} files: raise max_files")

    def _write(self, entry: Entry, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._fitting(entry.name):
            opened = os.fdopen(os.open(path, flags, 0o777 if entry.executable else 0o666), "wb", buffering=0)
        with opened, readable(self._archive), entry.open() as content:
            while data := content.read(MIB):
                self._check()
                self.size += len(data)
                if self.size > self._limits.max_bytes:
                    raise TooLarge(f"{self._archive} holds more than {self._limits.max_bytes} bytes: raise max_bytes")
                with self._fitting(entry.name):
                    write_all(opened.write, data)

    def _link(self, entry: Entry, path: Path) -> None:
        """Give a file that was written before a second name."""
        target = Path(*_parts(entry.target))
        if target not in self.files or self.files[target].kind == "symlink":
            raise _refused(entry.name, "is a link to what is no file before it in the archive")
        with self._fitting(entry.name):
            path.hardlink_to(self._staging / target)

    @contextmanager
    def _fitting(self, name: str) -> Iterator[None]:
        """Tell what the archive is to blame for from what the disk is."""
        try:
            with explained(str(self._staging.parent)):
                yield
        except DestinationError as error:
            number = getattr(error.__cause__, "errno", None)
            if number in CLASHES:
                raise _refused(name, "is there twice, or as a file and a folder") from None
            if number in NO_NAMES:
                raise _refused(name, "is no name that this file system can carry") from None
            raise


def _parts(name: str) -> list[str]:
    """Return the steps to a file, from the folder down.

    :raises ArchiveRefused: They could lead elsewhere, or anywhere at all on another system.
    """
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if name.startswith("/") or ".." in parts or any(UNFIT.search(part) for part in parts):
        raise _refused(name, "is not a name inside a folder")
    return parts


def _target(entry: Entry, depth: int) -> str:
    """Return the target of a symbolic link that is so many folders deep.

    Since none goes up behind going down, no chain of them can lead out either.

    :raises ArchiveRefused: It leads out of the folder, or may.
    """
    parts = [part for part in entry.target.split("/") if part not in {"", "."}]
    ups = next((number for number, part in enumerate(parts) if part != ".."), len(parts))
    odd = not parts or ".." in parts[ups:] or any(UNFIT.search(part) for part in parts)
    if entry.target.startswith("/") or ups > depth or odd:
        raise _refused(entry.name, f"is a link to {entry.target[:200]!r}, which leads out of its folder or may")
    return "/".join(parts)


def _refused(name: str, why: str) -> ArchiveRefused:
    return ArchiveRefused(f"{name[:200]!r} in the archive {why}: nothing of it was extracted")

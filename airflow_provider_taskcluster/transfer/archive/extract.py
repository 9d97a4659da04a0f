"""Extracts an archive into a local folder, and writes nothing outside of it.

The rules are stricter than those of the standard library's ``data`` filter (PEP 706), apply to zip and tar, and do not
rely on that library: all entries are written to a new folder first, where each file must be new (``O_EXCL``).
Symbolic links are made last, so that nothing can be written through one; they may go up only by leading ``..``, and
not out of the folder. The files are moved to their final names once all are written. The file system is synced once
before that and once after: 0.2 s for 1,000 files, instead of 2 to 5 s for a sync of each.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import DestinationError, NameRefused, TooLarge
from airflow_provider_taskcluster.transfer.archive.entry import entry_refused
from airflow_provider_taskcluster.transfer.archive.extraction_limits import ExtractionLimits
from airflow_provider_taskcluster.transfer.archive.reader import archive_entries, archive_errors
from airflow_provider_taskcluster.transfer.config import MIB, OWN_PREFIX
from airflow_provider_taskcluster.transfer.sink import leftovers
from airflow_provider_taskcluster.transfer.sink.base import destination_errors
from airflow_provider_taskcluster.transfer.sink.directory import Directory
from airflow_provider_taskcluster.transfer.sink.durable import make_folders, sync_file_system
from airflow_provider_taskcluster.transfer.sink.file_writer import FileWriter
from airflow_provider_taskcluster.transfer.source.local_paths import path_text, require_possible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_taskcluster.transfer.archive.entry import ArchiveEntry

# Control characters, separators and drive names of other systems, and the provider's own temporary files.
UNFIT = re.compile(rf"[\x00-\x1f\x7f\\]|^[A-Za-z]:|^(?i:{re.escape(OWN_PREFIX)})")
# Folder levels below the destination that a file may have.
DEEPEST = 100
CLASHES = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR}
NO_NAMES = {errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL}


@dataclass(frozen=True)
class Extracted(dict[str, Any]):
    """The result of an extraction. It is also a dict, ``ExtractedFiles``, and passes through XCom as one.

    :param folder: Path of the folder.
    :param files: Number of files and links.
    :param size: Bytes of all files.
    """

    folder: str
    files: int
    size: int

    def __post_init__(self) -> None:
        self.update(folder=self.folder, files=self.files, size=self.size)


def extract(
    archive: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    limits: ExtractionLimits | None = None,
    check: Callable[[], None] = lambda: None,
    *,
    durable: bool = True,
) -> Extracted:
    """Extract an archive into a folder, which is created if missing.

    Existing files of the same names are replaced, once the whole archive is known to be good.

    :param check: Called for each block; an error that it raises ends the extraction.
    :param durable: Whether the files survive power loss once they have their names.
    :raises ArchiveRefused: The archive is broken, or has an entry that must not be written. Nothing of it is left.
    :raises TooLarge: The archive holds more than the limits allow. Nothing of it is left.
    :raises NameRefused: A link is in the place of a folder. Nothing was written through it.
    :raises DestinationError: The folder cannot be written.
    """
    archive, root = path_text(archive), Path(path_text(folder))
    with contextlib.ExitStack() as held:
        with destination_errors(str(folder)):
            require_possible(root, folder=True)
            make_folders(root, durable=durable)
            with closing(Directory.at(root, make=False)) as opened:
                leftovers.sweep(opened)
            staging = held.enter_context(leftovers.staging(root))
        staged = _Staged(Path(archive), staging, limits or ExtractionLimits(), check, durable=durable)
        staged.fill()
        with destination_errors(str(folder)):
            staged.publish(root)
    return Extracted(str(folder), len(staged.files), staged.size)


def check_folder(folder: str | os.PathLike[str]) -> None:
    """Check that the folder to extract into can exist, before anything is downloaded.

    :raises InvalidInput: No folder can have that path.
    :raises DestinationError: Something on the path is no folder.
    """
    with destination_errors(str(folder)):
        require_possible(Path(path_text(folder)), folder=True)


class _Staged:
    """The content of an archive, in a new folder that no other process writes to."""

    def __init__(
        self, archive: Path, staging: Path, limits: ExtractionLimits, check: Callable[[], None], *, durable: bool
    ) -> None:
        self.files: dict[Path, ArchiveEntry] = {}
        self.size = 0
        self._archive = archive
        self._staging = staging
        self._limits = limits
        self._check = check
        self._durable = durable
        self._folders: dict[Path, None] = {Path(): None}

    def fill(self) -> None:
        """Write all entries of the archive."""
        with closing(archive_entries(self._archive, self._limits.max_files)) as read:
            for entry in read:
                self._check()
                self._add(entry)
        for path, entry in self.files.items():
            if entry.kind == "symlink":
                with self._fitting(entry.name):
                    (self._staging / path).symlink_to(_target(entry, depth=len(path.parts) - 1))

    def publish(self, root: Path) -> None:
        """Move all files to their final names.

        :raises NameRefused: A symbolic link or a file is in the place of a folder, or a folder in that of a file.
            Nothing was moved, and no folder made.
        """
        with (
            closing(Directory.at(root, make=False, durable=False)) as final,  # all is synced at once
            closing(Directory.at(self._staging, make=False, durable=False)) as staged,
        ):
            missing = self._missing(final)
            if self._durable:
                sync_file_system(staged.descriptor)
            try:
                for folder in missing:
                    final.below(folder.parts, make=True).close()
                for path in self.files:
                    with closing(final.below(path.parent.parts, make=False)) as into:
                        os.replace(path, path.name, src_dir_fd=staged.descriptor, dst_dir_fd=into.descriptor)
            except BaseException:
                for folder in reversed(missing):
                    with contextlib.suppress(OSError):  # a file was moved into it
                        os.rmdir(folder, dir_fd=final.descriptor)
                raise
            if self._durable:
                sync_file_system(final.descriptor)

    def _missing(self, final: Directory) -> list[Path]:
        """Return the folders that do not exist yet, parents first."""
        missing: list[Path] = []
        files: dict[Path, list[str]] = {folder: [] for folder in self._folders}
        for path in self.files:
            files[path.parent].append(path.name)
        for folder, names in files.items():
            try:
                opened = final.below(folder.parts, make=False)
            except FileNotFoundError:
                missing.append(folder)
                continue
            with closing(opened):
                for name in names:
                    status = opened.stat(name)
                    if status is not None and stat.S_ISDIR(status.st_mode):
                        raise NameRefused(f"{opened.path}/{name} is a folder, in the place of a file: remove it")
        return missing

    def _add(self, entry: ArchiveEntry) -> None:
        path = Path(*_parts(entry.name))
        if len(path.parts) - (entry.kind != "folder") > DEEPEST:
            raise entry_refused(entry.name, f"is more than {DEEPEST} folders deep")
        with self._fitting(entry.name):
            self._make(path if entry.kind == "folder" else path.parent)
        if entry.kind == "folder":
            return
        if path in self._folders or path in self.files:
            raise entry_refused(entry.name, "is there twice")
        self._count()
        if entry.kind == "file":
            self._write(entry, self._staging / path)
        elif entry.kind == "hardlink":
            entry = self._link(entry, self._staging / path)
        if entry.kind == "symlink":  # made last, but checked at once
            _target(entry, depth=len(path.parts) - 1)
        self.files[path] = entry

    def _make(self, folder: Path) -> None:
        """Make a folder and its missing parents."""
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

    def _write(self, entry: ArchiveEntry, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._fitting(entry.name):
            opened = os.fdopen(os.open(path, flags, 0o777 if entry.executable else 0o666), "wb", buffering=0)
        writer, written = FileWriter(opened.fileno(), early=self._durable), 0
        with opened, archive_errors(self._archive), entry.open() as content:
            while data := content.read(MIB):
                self._check()
                self.size += len(data)
                if self.size > self._limits.max_bytes:
                    raise TooLarge(f"{self._archive} holds more than {self._limits.max_bytes} bytes: raise max_bytes")
                with self._fitting(entry.name):
                    writer.write_at(written, data)
                written += len(data)

    def _link(self, entry: ArchiveEntry, path: Path) -> ArchiveEntry:
        """Hard-link an earlier file of the archive; return the entry, or a copy of the symbolic link that it names."""
        target = Path(*_parts(entry.target))
        known = self.files.get(target)
        if known is None:
            raise entry_refused(entry.name, "is a link to what is no file before it in the archive")
        if known.kind == "symlink":
            return replace(known, name=entry.name)
        with self._fitting(entry.name):
            path.hardlink_to(self._staging / target)
        return entry

    @contextmanager
    def _fitting(self, name: str) -> Iterator[None]:
        """Turn file system errors that the archive causes into ``ArchiveRefused``."""
        try:
            with destination_errors(str(self._staging.parent)):
                yield
        except DestinationError as error:
            number = getattr(error.__cause__, "errno", None)
            if number in CLASHES:
                raise entry_refused(name, "is there twice, or as a file and a folder") from None
            if number in NO_NAMES:
                raise entry_refused(name, "is no name that this file system can carry") from None
            raise


def _parts(name: str) -> list[str]:
    """Return the parts of an entry's path below the folder.

    :raises ArchiveRefused: The path may lead out of the folder, on this or another system.
    """
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if name.startswith("/") or ".." in parts or any(UNFIT.search(part) for part in parts):
        raise entry_refused(name, "is not a name inside a folder")
    return parts


def _target(entry: ArchiveEntry, depth: int) -> str:
    """Return the target of a symbolic link that is ``depth`` folders deep.

    No target goes up after going down, so no chain of links can lead out of the folder either.

    :raises ArchiveRefused: The target leads out of the folder, or may.
    """
    parts = [part for part in entry.target.split("/") if part not in {"", "."}]
    ups = next((number for number, part in enumerate(parts) if part != ".."), len(parts))
    odd = not entry.target or ".." in parts[ups:] or any(UNFIT.search(part) for part in parts)
    if entry.target.startswith("/") or ups > depth or odd:
        raise entry_refused(entry.name, f"is a link to {entry.target[:200]!r}, which leads out of its folder or may")
    return "/".join(parts) or "."

"""What is in an archive, .zip or .tar.* alike: its entries in order. Nothing is written here.

Archives come from outside and are hostile: besides the content of files, which the caller counts, no more is read than
so many entries can need. A broken archive is one error, whatever the libraries below raise.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

from airflow_provider_taskcluster.exceptions import ArchiveRefused, TaskclusterError, TooLarge
from airflow_provider_taskcluster.texts import one_line
from airflow_provider_taskcluster.transfer.config import KIB, MIB

if TYPE_CHECKING:
    import tarfile
    import zipfile
    from collections.abc import Callable, Iterator
    from pathlib import Path

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
# What an entry needs besides its content: headers, a name, a line of the directory.
OVERHEAD = 2 * KIB
LONGEST_TARGET = 4 * KIB
LONGEST_PADDING = 64 * MIB

Kind = Literal["file", "folder", "symlink", "hardlink"]


@dataclass(frozen=True)
class Entry:
    """One thing in an archive.

    :param name: As it is written there.
    :param executable: Whether its owner may run it.
    :param target: Of a link, as it is written there.
    :param open: Opens the content of a file, while its archive is open.
    """

    name: str
    kind: Kind
    executable: bool
    target: str
    open: Callable[[], BinaryIO]


def is_archive(name: str) -> bool:
    """Tell whether a file of this name is one that can be extracted."""
    return name.lower().endswith(SUFFIXES)


@contextmanager
def readable(archive: Path) -> Iterator[None]:
    """Turn all that reading an archive may raise into one sentence.

    :raises ArchiveRefused: It is broken, or of a kind that nobody here can read.
    """
    try:
        yield
    except TaskclusterError:
        raise
    except Exception as error:  # (zipfile, tarfile and the decompressors raise a dozen kinds)
        reason = one_line(error) or type(error).__name__
        raise ArchiveRefused(f"{str(archive)!r} cannot be extracted: {reason}; have it packed again") from error


def entries(archive: Path, most: int) -> Iterator[Entry]:
    """Yield the entries of an archive.

    :param most: So many are expected at most; what can only be more is refused.
    :raises ArchiveRefused: It is broken, encrypted, or holds what is neither file, folder nor link.
    """
    with readable(archive), archive.open("rb") as file:
        first = file.read(6)
        file.seek(0)
        if first.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            yield from _zip_entries(file, most)
        else:
            with _decompressed(file, first) as content:
                yield from _tar_entries(content, most)


def _zip_entries(file: BinaryIO, most: int) -> Iterator[Entry]:
    import zipfile

    with zipfile.ZipFile(cast("BinaryIO", _Bounded(file, most))) as archive:
        for info in archive.infolist():
            yield _zip_entry(archive, info)


def _zip_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    def content() -> BinaryIO:
        return cast("BinaryIO", archive.open(info))

    name = info.orig_filename
    if info.flag_bits & 1:
        raise ArchiveRefused(f"{name!r} in the archive is encrypted: have it packed without a password")
    mode = info.external_attr >> 16
    target = ""
    match stat.S_IFMT(mode):
        case stat.S_IFLNK:
            kind: Kind = "symlink"
            with content() as opened:
                target = os.fsdecode(opened.read(LONGEST_TARGET + 1))
            if len(target) > LONGEST_TARGET:
                raise ArchiveRefused(f"{name!r} in the archive is a link whose target has no end")
        case 0 | stat.S_IFREG | stat.S_IFDIR:
            kind = "folder" if name.endswith("/") else "file"
        case _:
            raise ArchiveRefused(f"{name!r} in the archive is a device or another special file")
    return Entry(name, kind, bool(mode & stat.S_IXUSR), target, content)


def _decompressed(file: BinaryIO, first: bytes) -> BinaryIO:
    """Open what is compressed, by its first bytes."""
    import bz2
    import gzip
    import lzma

    if first.startswith(b"\x1f\x8b"):
        return cast("BinaryIO", gzip.GzipFile(fileobj=file))
    if first.startswith(b"BZh"):
        return cast("BinaryIO", bz2.BZ2File(file))
    if first.startswith(b"\xfd7zXZ\x00"):
        return cast("BinaryIO", lzma.LZMAFile(file))
    return file


def _tar_entries(file: BinaryIO, most: int) -> Iterator[Entry]:
    import tarfile

    with tarfile.open(fileobj=cast("BinaryIO", _Bounded(file, most)), mode="r:") as archive:
        for member in archive:
            yield _tar_entry(archive, member)
        file.seek(archive.offset)
        _only_padding(file)


def _only_padding(rest: BinaryIO) -> None:
    """Read to the end of a tar, where the sums of the compression are; tarfile takes a broken header for the end."""
    length = 0
    while data := rest.read(MIB):
        length += len(data)
        if data.strip(b"\0") or length > LONGEST_PADDING:
            raise ArchiveRefused(
                "The archive is broken, or another one is behind it: nothing of it was extracted, have it packed again"
            )


def _tar_entry(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    def content() -> BinaryIO:
        return cast("BinaryIO", archive.extractfile(member))

    if member.isreg():
        kind: Kind = "file"
    elif member.isdir():
        kind = "folder"
    elif member.issym() or member.islnk():
        kind = "symlink" if member.issym() else "hardlink"
    else:
        raise ArchiveRefused(f"{member.name!r} in the archive is a device or another special file")
    return Entry(member.name, kind, bool(member.mode & stat.S_IXUSR), member.linkname, content)


class _Bounded:
    """A file of which nobody takes more at once than the directory of so many entries.

    The libraries read the directory of a zip, and a name in a tar, in one piece, of whatever size it claims.
    """

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file = file
        self._most = max(MIB, most * OVERHEAD)
        self.seek = file.seek
        self.tell = file.tell
        self.seekable = file.seekable
        self.close = lambda: None  # its owner does

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._most + 1 if size < 0 else min(size, self._most + 1))
        if len(data) > self._most:
            raise TooLarge("The archive holds a name, or a directory, that is larger than all that is allowed")
        return data

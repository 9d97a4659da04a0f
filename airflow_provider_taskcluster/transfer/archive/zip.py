"""Yields the entries of a .zip file (PKWARE, APPNOTE.TXT).

The standard library parses the file and verifies checksums. Checked here is what it does not: that there is one,
complete directory, that no two entries share bytes, which entries are folders, and the additional names in UTF-8.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO, cast

from airflow_provider_taskcluster.exceptions import TooLarge
from airflow_provider_taskcluster.transfer.archive.entry import ArchiveEntry, entry_refused
from airflow_provider_taskcluster.transfer.config import KIB

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from _typeshed import WriteableBuffer

    from airflow_provider_taskcluster.transfer.archive.entry import Kind

MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
LONGEST_TARGET = 4 * KIB
# Signature, 2 disks, 2 counts of entries, size and offset of the directory, length of the comment (4.3.16).
_END = struct.Struct("<4s4H2LH")
# The same in 64 bits (4.3.14), followed by its locator (4.3.15).
_END_64 = struct.Struct("<4s20x4Q")
_LOCATOR_64 = 20
# Signature, lengths of name and extra fields of the header before the content (4.3.7).
_LOCAL = struct.Struct("<4s22x2H")
_FIELD = struct.Struct("<2H")
_UNICODE_PATH = 0x7075
_ENCRYPTED = 1 | 1 << 6 | 1 << 13
_UTF_8 = 1 << 11
_DOS_FOLDER = 0x10


def zip_entries(file: BinaryIO, max_bytes: int) -> Generator[ArchiveEntry]:
    """Yield the entries of a zip, in the order of its directory.

    :param max_bytes: Bytes that the directory may have.
    """
    with zipfile.ZipFile(cast("BinaryIO", _BoundedReads(file, max_bytes))) as archive:
        _check_directory(file, archive)
        starts = sorted([*(info.header_offset for info in archive.infolist()), archive.start_dir])
        if len(set(starts)) < len(starts):
            raise zipfile.BadZipFile("two of its entries share their bytes")
        ends = dict(pairwise(starts))
        for info in archive.infolist():
            yield _entry(archive, info, _local_fields(file, info, ends.get(info.header_offset, 0)))


def _check_directory(file: BinaryIO, archive: zipfile.ZipFile) -> None:
    """Check that the directory is complete and the only one: the library takes the last one that it finds.

    :raises zipfile.BadZipFile: It is not.
    """
    end = file.seek(-_END.size - len(archive.comment), os.SEEK_END)
    signature, _, _, _, count, _, start, comment = _END.unpack(file.read(_END.size))
    if signature != b"PK\x05\x06" or comment != len(archive.comment):
        raise zipfile.BadZipFile("something is behind its end")
    file.seek(max(0, end - _LOCATOR_64 - _END_64.size))
    before = file.read(_END_64.size + 4)
    if before.startswith(b"PK\x06\x06") and before.endswith(b"PK\x06\x07"):
        _, _, count, _, start = _END_64.unpack(before[: _END_64.size])
    if count != len(archive.infolist()) or start != archive.start_dir:
        raise zipfile.BadZipFile("its directory is broken, or another archive is before it")


def _local_fields(file: BinaryIO, info: zipfile.ZipInfo, end: int) -> bytes:
    """Return the extra fields of an entry's local header.

    :param end: Offset of the next entry, or the directory.
    :raises zipfile.BadZipFile: The content does not end before it.
    """
    file.seek(info.header_offset)
    signature, name, extra = _LOCAL.unpack(file.read(_LOCAL.size))
    if signature != MAGICS[0] or info.header_offset + _LOCAL.size + name + extra + info.compress_size > end:
        raise zipfile.BadZipFile("two of its entries share their bytes, or its directory is broken")
    file.seek(name, os.SEEK_CUR)
    return file.read(extra)


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, local: bytes) -> ArchiveEntry:
    def content() -> BinaryIO:
        opened = cast("zipfile.ZipExtFile", archive.open(info))
        return cast("BinaryIO", opened if info.compress_type in _BOUNDED else io.BufferedReader(_SmallReads(opened)))

    name = _name(info, local)
    if info.flag_bits & _ENCRYPTED:
        raise entry_refused(name, "is encrypted: have it packed without a password")
    mode = info.external_attr >> 16
    kind, target = _kind(info, name), ""
    if kind == "folder":
        with content() as opened:
            if info.file_size or opened.read(1):
                raise entry_refused(name, "is a folder, and has the content of a file")
    if kind == "symlink":
        with content() as opened:
            target = os.fsdecode(opened.read(LONGEST_TARGET + 1))
        if len(target) > LONGEST_TARGET:
            raise entry_refused(name, "is a link whose target has no end")
    return ArchiveEntry(name, kind, bool(mode & stat.S_IXUSR), target, content)


def _kind(info: zipfile.ZipInfo, name: str) -> Kind:
    """Return the kind of an entry. One of the three marks of a folder is enough: programs set different ones."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    slash = name.endswith("/") or info.orig_filename.endswith("/")
    if slash or kind == stat.S_IFDIR or info.external_attr & _DOS_FOLDER:
        return "folder"
    if kind not in {0, stat.S_IFREG, stat.S_IFLNK}:
        raise entry_refused(name, "is a device or another special file")
    return "symlink" if kind == stat.S_IFLNK else "file"


def _name(info: zipfile.ZipInfo, local: bytes) -> str:
    """Return the name of an entry: that of its Unicode Path field (4.6.9), if the field's checksum is of this entry.

    :param local: Extra fields of the local header, which must agree with those in the directory.
    :raises ArchiveRefused: They do not agree.
    """
    raw_name = info.orig_filename.encode("utf-8" if info.flag_bits & _UTF_8 else "cp437")
    made_for_it = b"\x01" + zlib.crc32(raw_name).to_bytes(4, "little")
    fields = [*_unicode_paths(info.extra), *_unicode_paths(local)]
    names = {field[5:] for field in fields if field.startswith(made_for_it)} - {b""}
    if len(names) > 1:
        raise entry_refused(info.orig_filename, "has several names")
    return names.pop().decode() if names else info.orig_filename


def _unicode_paths(extra: bytes) -> Iterator[bytes]:
    start = 0
    while start + _FIELD.size <= len(extra):
        kind, length = _FIELD.unpack_from(extra, start)
        field = extra[start + _FIELD.size : start + _FIELD.size + length]
        start += _FIELD.size + length
        if kind == _UNICODE_PATH:
            if len(field) < length:
                raise zipfile.BadZipFile("the name of an entry is cut off")
            yield field


# Methods for which the library decompresses no more than is read.
_BOUNDED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


class _SmallReads(io.RawIOBase):
    """Reads small pieces of a content whose input the library decompresses as a whole, however large the output.

    1,000,000,000 zero bytes are 722 bytes of bzip2.
    """

    SIZE = 32

    def __init__(self, opened: zipfile.ZipExtFile) -> None:
        self._opened = opened
        self._opened.MIN_READ_SIZE = self.SIZE

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer)
        data = self._opened.read(min(len(view), self.SIZE))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._opened.close()
        super().close()


class _BoundedReads:
    """A file with a limit on the size of one read.

    The library reads the directory in one piece, of whatever size it claims.
    """

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self.seek = file.seek
        self.tell = file.tell
        self.seekable = file.seekable
        self.close = lambda: None  # its owner closes it

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._max_bytes + 1 if size < 0 else min(size, self._max_bytes + 1))
        if len(data) > self._max_bytes:
            raise TooLarge("The directory of the archive is larger than all that is allowed")
        return data

"""The entries of a .zip file (PKWARE, APPNOTE.TXT).

The standard library reads it and checks the sums. Checked here is what it takes on trust: that the directory is all of
it and the only one, that no two entries share bytes, what is a folder, and the names in UTF-8 beside those of old.
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
from airflow_provider_taskcluster.transfer.archive.entry import Entry, refused
from airflow_provider_taskcluster.transfer.config import KIB

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from _typeshed import WriteableBuffer

    from airflow_provider_taskcluster.transfer.archive.entry import Kind

MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
LONGEST_TARGET = 4 * KIB
# Signature, 2 disks, 2 counts of entries, size and offset of the directory, length of the comment (4.3.16).
_END = struct.Struct("<4s4H2LH")
# The same in 64 bits (4.3.14), and its locator behind it (4.3.15).
_END_64 = struct.Struct("<4s20x4Q")
_LOCATOR_64 = 20
# Signature, lengths of name and extra fields of the header before the content (4.3.7).
_LOCAL = struct.Struct("<4s22x2H")
_FIELD = struct.Struct("<2H")
_UNICODE_PATH = 0x7075
_ENCRYPTED = 1 | 1 << 6 | 1 << 13
_UTF_8 = 1 << 11
_DOS_FOLDER = 0x10


def zip_entries(file: BinaryIO, most: int) -> Generator[Entry]:
    """Yield the entries of a zip, in the order of its directory.

    :param most: Bytes that the directory may have.
    """
    with zipfile.ZipFile(cast("BinaryIO", _Bounded(file, most))) as archive:
        _check_directory(file, archive)
        starts = sorted([*(info.header_offset for info in archive.infolist()), archive.start_dir])
        if len(set(starts)) < len(starts):
            raise zipfile.BadZipFile("two of its entries share their bytes")
        ends = dict(pairwise(starts))
        for info in archive.infolist():
            yield _entry(archive, info, _local_fields(file, info, ends.get(info.header_offset, 0)))


def _check_directory(file: BinaryIO, archive: zipfile.ZipFile) -> None:
    """Look whether the directory is whole, and the only one: the library takes the last one that it finds.

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
    """Return the extra fields of the header before the content of an entry.

    :param end: Where what follows begins.
    :raises zipfile.BadZipFile: The content does not end before that.
    """
    file.seek(info.header_offset)
    signature, name, extra = _LOCAL.unpack(file.read(_LOCAL.size))
    if signature != MAGICS[0] or info.header_offset + _LOCAL.size + name + extra + info.compress_size > end:
        raise zipfile.BadZipFile("two of its entries share their bytes, or its directory is broken")
    file.seek(name, os.SEEK_CUR)
    return file.read(extra)


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, local: bytes) -> Entry:
    def content() -> BinaryIO:
        opened = cast("zipfile.ZipExtFile", archive.open(info))
        return cast("BinaryIO", opened if info.compress_type in _BOUNDED else io.BufferedReader(_Sips(opened)))

    name = _name(info, local)
    if info.flag_bits & _ENCRYPTED:
        raise refused(name, "is encrypted: have it packed without a password")
    mode = info.external_attr >> 16
    kind, target = _kind(info, name), ""
    if kind == "folder":
        with content() as opened:
            if info.file_size or opened.read(1):
                raise refused(name, "is a folder, and has the content of a file")
    if kind == "symlink":
        with content() as opened:
            target = os.fsdecode(opened.read(LONGEST_TARGET + 1))
        if len(target) > LONGEST_TARGET:
            raise refused(name, "is a link whose target has no end")
    return Entry(name, kind, bool(mode & stat.S_IXUSR), target, content)


def _kind(info: zipfile.ZipInfo, name: str) -> Kind:
    """Return what an entry is. Any of the three signs of a folder makes it one: programs set them as they like."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    slash = name.endswith("/") or info.orig_filename.endswith("/")
    if slash or kind == stat.S_IFDIR or info.external_attr & _DOS_FOLDER:
        return "folder"
    if kind not in {0, stat.S_IFREG, stat.S_IFLNK}:
        raise refused(name, "is a device or another special file")
    return "symlink" if kind == stat.S_IFLNK else "file"


def _name(info: zipfile.ZipInfo, local: bytes) -> str:
    """Return the name of an entry: that of its Unicode Path field (4.6.9), where it has one that is made for it.

    :param local: Its extra fields beside its content, which say the same as those in the directory.
    :raises ArchiveRefused: They do not.
    """
    own = info.orig_filename.encode("utf-8" if info.flag_bits & _UTF_8 else "cp437")
    made_for_it = b"\x01" + zlib.crc32(own).to_bytes(4, "little")
    fields = [*_unicode_paths(info.extra), *_unicode_paths(local)]
    found = {field[5:] for field in fields if field.startswith(made_for_it)} - {b""}
    if len(found) > 1:
        raise refused(info.orig_filename, "has several names")
    return found.pop().decode() if found else info.orig_filename


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


# Of these, no more is decompressed than is read.
_BOUNDED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


class _Sips(io.RawIOBase):
    """A content in a format of which the library decompresses all that it reads, however much that becomes.

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


class _Bounded:
    """A file of which nobody takes more at once than a directory may have.

    The library reads the directory in one piece, of whatever size it claims.
    """

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file = file
        self._most = most
        self.seek = file.seek
        self.tell = file.tell
        self.seekable = file.seekable
        self.close = lambda: None  # its owner does

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._most + 1 if size < 0 else min(size, self._most + 1))
        if len(data) > self._most:
            raise TooLarge("The directory of the archive is larger than all that is allowed")
        return data

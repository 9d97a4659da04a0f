"""The entries of a tar archive: ustar, GNU, pax, and sparse files of these.

The headers are read by the standard library; what it gets to read is bounded, and made strict where it is not.
"""

from __future__ import annotations

import math
import stat
import tarfile
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from airflow_provider_taskcluster.exceptions import TooLarge
from airflow_provider_taskcluster.transfer.archive.entry import Entry, refused
from airflow_provider_taskcluster.transfer.archive.pax import usable_records
from airflow_provider_taskcluster.transfer.config import MIB

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from airflow_provider_taskcluster.transfer.archive.entry import Kind

LONGEST_PADDING = 64 * MIB
# Bytes of all headers of one entry, maps of sparse files among them.
LONGEST_HEADERS = 16 * MIB
_PAX = {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE}


def tar_entries(file: BinaryIO, most: int) -> Generator[Entry]:
    """Yield the entries of a tar in order. It is read to its end, where the sums of a compression are.

    :param file: Need not be able to seek.
    :param most: Bytes that the headers of one entry may have.
    """
    forward = _Forward(file, min(most, LONGEST_HEADERS))
    with tarfile.open(fileobj=cast("BinaryIO", forward), mode="r:", tarinfo=_Member) as archive:
        for member in cast("Iterator[_Member]", archive):
            forward.allowed = math.inf  # who extracts counts what is in it
            yield _entry(archive, member)
            forward.allowed = forward.most
    _check_end(forward, file)


def _check_end(forward: _Forward, file: BinaryIO) -> None:
    """Look whether the archive is complete: tarfile takes a broken header, and the end of the file, for its end.

    :raises tarfile.ReadError: It is not, or another one is behind it.
    """
    if len(forward.last) < tarfile.BLOCKSIZE:
        raise tarfile.ReadError("it ends without the mark of its end, so a part of it may be missing")
    length, data = 0, forward.last
    while data:
        length += len(data)
        if data.strip(b"\0") or length > LONGEST_PADDING:
            raise tarfile.ReadError("it is broken, or another one is behind it")
        data = file.read(MIB)


def _entry(archive: tarfile.TarFile, member: _Member) -> Entry:
    def content() -> BinaryIO:
        return cast("BinaryIO", archive.extractfile(member))

    kind: Kind
    if member.isreg():
        kind = "folder" if member.name.endswith("/") else "file"  # as other programs have it
        if kind == "folder" and member.size:
            raise refused(member.name, "is a folder, and has the content of a file")
        if _mapped(member) != member.stored:
            raise refused(member.name, "has another size than its headers say")
    elif member.isdir():
        kind = "folder"
    elif member.issym() or member.islnk():
        kind = "symlink" if member.issym() else "hardlink"
    else:
        raise refused(member.name, "is a device or another special file")
    return Entry(member.name, kind, bool(member.mode & stat.S_IXUSR), member.linkname, content)


def _mapped(member: tarfile.TarInfo) -> int:
    """Return the bytes that are stored of a file: all of it, or the pieces of a sparse one.

    :raises ArchiveRefused: The pieces are not in order within the file.
    """
    pieces = cast("list[tuple[int, int]] | None", member.sparse)
    if pieces is None:
        return member.size
    end = stored = 0
    for offset, size in pieces:
        if size:
            if not end <= offset < offset + size <= member.size:
                raise refused(member.name, "is a sparse file whose map is broken")
            end, stored = offset + size, stored + size
    return stored


def _blocks(size: int) -> int:
    """Return so many bytes, rounded up to whole blocks."""
    return -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


class _Member(tarfile.TarInfo):
    """A header, whose size is one, and of whose pax records those are left that count here.

    ``size`` becomes that of the whole, if the file is sparse.
    """

    _start = _said = 0

    @property
    def stored(self) -> int:
        """Bytes of content in the archive, as its headers say."""
        before = 0 if self.type == tarfile.GNUTYPE_SPARSE else self.offset_data - self._start  # pax has the map there
        return int(self.pax_headers.get("size", self._said)) - before

    def _proc_member(self, archive: Any) -> Any:  # the standard library: "can be overridden in a subclass"
        if self.size < 0:
            raise tarfile.HeaderError(f"its size is {self.size}")
        self._said, self._start = self.size, archive.fileobj.tell()
        if self.type in _PAX:
            records = usable_records(archive.fileobj.read(_blocks(self.size))[: self.size])
            self.size = len(records)
            archive.fileobj.again = records.ljust(_blocks(len(records)), b"\0")
        return super()._proc_member(archive)  # type: ignore[misc]  # not in typeshed


class _Forward:
    """What tarfile reads: from the beginning to the end, and no more of one entry's headers than is allowed.

    :param most: Bytes of them.
    """

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file = file
        self._position = 0
        self.most = most
        self.allowed: float = most
        self.again = b""  # is read next, in place of what was read
        self.last = b""  # was read last

    def tell(self) -> int:
        return self._position

    def read(self, size: int) -> bytes:
        if self.again:
            found, self.again = self.again[:size], self.again[size:]
            return found
        if size > self.allowed:
            raise TooLarge("The archive holds a name, or headers of a file, larger than all that is allowed")
        self.last = self._file.read(size)
        self._position += len(self.last)
        self.allowed -= len(self.last)
        return self.last

    def seek(self, position: int) -> None:
        if position < self._position:
            raise tarfile.ReadError("its entries lead back to what was before them")
        while self._position < position:
            skipped = len(self._file.read(min(position - self._position, MIB)))
            if not skipped:
                raise tarfile.ReadError("unexpected end of data")
            self._position += skipped

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        """Its owner does."""

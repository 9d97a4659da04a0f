"""Yields the entries of a tar archive: ustar, GNU and pax, with their sparse files.

The standard library parses the headers. Its input is bounded, and checked where the library is lenient.
"""

from __future__ import annotations

import math
import stat
import tarfile
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from airflow_provider_taskcluster.exceptions import TooLarge
from airflow_provider_taskcluster.transfer.archive.entry import ArchiveEntry, entry_refused
from airflow_provider_taskcluster.transfer.archive.pax import usable_records
from airflow_provider_taskcluster.transfer.config import MIB

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from airflow_provider_taskcluster.transfer.archive.entry import Kind

LONGEST_PADDING = 64 * MIB
# Bytes of all headers of one entry, including maps of sparse files.
LONGEST_HEADERS = 16 * MIB
_PAX = {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE}


def tar_entries(file: BinaryIO, max_bytes: int) -> Generator[ArchiveEntry]:
    """Yield the entries of a tar in order. The file is read to its end, where a compression has its checksums.

    :param file: Need not be seekable.
    :param max_bytes: Bytes that the headers of one entry may have.
    """
    forward = _ForwardReader(file, min(max_bytes, LONGEST_HEADERS))
    with tarfile.open(fileobj=cast("BinaryIO", forward), mode="r:", tarinfo=_Member) as archive:
        for member in cast("Iterator[_Member]", archive):
            forward.remaining = math.inf  # the caller counts the content
            yield _entry(archive, member)
            forward.remaining = forward.max_bytes
    _check_end(forward, file)


def _check_end(forward: _ForwardReader, file: BinaryIO) -> None:
    """Check that the archive is complete: tarfile takes a broken header, or the end of the file, for its end.

    :raises tarfile.ReadError: The archive is incomplete, or another one follows it.
    """
    if len(forward.last) < tarfile.BLOCKSIZE:
        raise tarfile.ReadError("it ends without the mark of its end, so a part of it may be missing")
    length, data = 0, forward.last
    while data:
        length += len(data)
        if data.strip(b"\0") or length > LONGEST_PADDING:
            raise tarfile.ReadError("it is broken, or another one is behind it")
        data = file.read(MIB)


def _entry(archive: tarfile.TarFile, member: _Member) -> ArchiveEntry:
    def content() -> BinaryIO:
        return cast("BinaryIO", archive.extractfile(member))

    kind: Kind
    if member.isreg():
        kind = "folder" if member.name.endswith("/") else "file"  # as other programs do
        if kind == "folder" and member.size:
            raise entry_refused(member.name, "is a folder, and has the content of a file")
        if _stored_size(member) != member.stored:
            raise entry_refused(member.name, "has another size than its headers say")
    elif member.isdir():
        kind = "folder"
    elif member.issym() or member.islnk():
        kind = "symlink" if member.issym() else "hardlink"
    else:
        raise entry_refused(member.name, "is a device or another special file")
    return ArchiveEntry(member.name, kind, bool(member.mode & stat.S_IXUSR), member.linkname, content)


def _stored_size(member: tarfile.TarInfo) -> int:
    """Return the stored bytes of a file: its size, or that of a sparse file's pieces.

    :raises ArchiveRefused: The pieces are not in order within the file.
    """
    pieces = cast("list[tuple[int, int]] | None", member.sparse)
    if pieces is None:
        return member.size
    end = stored = 0
    for offset, size in pieces:
        if size:
            if not end <= offset < offset + size <= member.size:
                raise entry_refused(member.name, "is a sparse file whose map is broken")
            end, stored = offset + size, stored + size
    return stored


def _blocks(size: int) -> int:
    """Return a size rounded up to whole blocks."""
    return -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


class _Member(tarfile.TarInfo):
    """A header with a checked size and filtered pax records.

    For a sparse file, ``size`` becomes that of the whole.
    """

    _start = _header_size = 0

    @property
    def stored(self) -> int:
        """Bytes of content in the archive, according to its headers."""
        before = (
            0 if self.type == tarfile.GNUTYPE_SPARSE else self.offset_data - self._start
        )  # pax stores the map there
        return int(self.pax_headers.get("size", self._header_size)) - before

    def _proc_member(self, archive: Any) -> Any:  # the standard library: "can be overridden in a subclass"
        if self.size < 0:
            raise tarfile.HeaderError(f"its size is {self.size}")
        self._header_size, self._start = self.size, archive.fileobj.tell()
        if self.type in _PAX:
            records = usable_records(archive.fileobj.read(_blocks(self.size))[: self.size])
            self.size = len(records)
            archive.fileobj.pushed_back = records.ljust(_blocks(len(records)), b"\0")
        return super()._proc_member(archive)  # type: ignore[misc]  # not in typeshed


class _ForwardReader:
    """The file that tarfile reads: forward only, with a limit on the headers of one entry.

    :param max_bytes: Bytes that the headers of one entry may have.
    """

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self._file = file
        self._position = 0
        self.max_bytes = max_bytes
        self.remaining: float = max_bytes
        self.pushed_back = b""  # returned by the next reads
        self.last = b""  # bytes of the last read

    def tell(self) -> int:
        return self._position

    def read(self, size: int) -> bytes:
        if self.pushed_back:
            data, self.pushed_back = self.pushed_back[:size], self.pushed_back[size:]
            return data
        if size > self.remaining:
            raise TooLarge("The archive holds a name, or headers of a file, larger than all that is allowed")
        self.last = self._file.read(size)
        self._position += len(self.last)
        self.remaining -= len(self.last)
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
        """Do nothing: its owner closes it."""

"""Compression formats of archives, detected by their first bytes: gzip, bzip2, xz and zstd.

Python supports zstd from 3.14 on; before, the package ``zstandard`` is used if it is installed.
"""

from __future__ import annotations

import importlib
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import ArchiveRefused
from airflow_provider_taskcluster.transfer.archive.streams import Compression
from airflow_provider_taskcluster.transfer.config import GIB, KIB

if TYPE_CHECKING:
    from collections.abc import Callable

# Bytes that identify a format.
MAGIC = 6
# Memory limit: xz needs 64 MiB for its highest level, but as much as a hostile header says.
_XZ_MEMORY = GIB // 2


def _gzip() -> Compression:
    return Compression(_Gzip, padding=1)


def _bzip2() -> Compression:
    return Compression(importlib.import_module("bz2").BZ2Decompressor)


def _xz() -> Compression:
    lzma = importlib.import_module("lzma")
    return Compression(lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY), padding=4)


def _zstd() -> Compression:
    try:
        return Compression(importlib.import_module("compression.zstd").ZstdDecompressor)
    except ImportError:
        package = importlib.import_module("zstandard")
        return Compression(lambda: _Zstandard(package), step=KIB)


@dataclass(frozen=True)
class _KnownFormat:
    """A compression format.

    :param magic: Pattern of its first bytes.
    :param suffixes: Suffixes of its files' names.
    :param load: Loads its decompressor; raises ImportError if this Python has none.
    :param advice: Next step in the error message then.
    """

    name: str
    magic: re.Pattern[bytes]
    suffixes: tuple[str, ...]
    load: Callable[[], Compression]
    advice: str = "use a complete Python on the worker, or have it packed as .tar.gz"


_FORMATS = (
    _KnownFormat("gzip", re.compile(rb"\x1f\x8b"), (".tar.gz", ".tgz"), _gzip),
    _KnownFormat("bzip2", re.compile(rb"BZh"), (".tar.bz2", ".tbz2"), _bzip2),
    _KnownFormat("xz", re.compile(rb"\xfd7zXZ\x00"), (".tar.xz", ".txz"), _xz),
    _KnownFormat(
        "zstd",
        re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),  # a frame, or a skippable one, as pzstd writes it
        (".tar.zst", ".tzst"),
        _zstd,
        "install 'airflow-provider-taskcluster[zstd]' (the package zstandard), or have it packed as .tar.xz",
    ),
)
SUFFIXES = tuple(suffix for known in _FORMATS for suffix in known.suffixes)


def format_of(first: bytes, archive: str) -> Compression | None:
    """Return the compression of a file by its first bytes; None if it is not compressed.

    :param archive: Name of the file, for errors.
    :raises ArchiveRefused: This Python does not support the format.
    """
    return next((_loaded(known, archive) for known in _FORMATS if known.magic.match(first)), None)


def check_supported(name: str) -> None:
    """Check by an archive's name that its format is supported, before it is fetched.

    :raises ArchiveRefused: This Python does not support the format.
    """
    for known in _FORMATS:
        if name.lower().endswith(known.suffixes):
            _loaded(known, name)


def _loaded(known: _KnownFormat, archive: str) -> Compression:
    try:
        return known.load()
    except ImportError:
        raise ArchiveRefused(
            f"{archive!r} cannot be extracted: {known.name} is not supported by this Python: {known.advice}"
        ) from None


class _Gzip:
    """Zlib's decompressor of one gzip stream, with the ``Decompressor`` interface."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)  # 16: gzip, with its checksums

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def needs_input(self) -> bool:
        return not self._stream.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._stream.decompress(self._stream.unconsumed_tail + data, max_length)


class _Zstandard:
    """The decompressor of the package ``zstandard``, with the ``Decompressor`` interface.

    It decompresses all of its input at once. One KiB of input, the step of this format, can become 32 MiB.
    """

    def __init__(self, module: Any) -> None:
        self._stream = module.ZstdDecompressor().decompressobj()
        self._output = memoryview(b"")

    @property
    def eof(self) -> bool:
        return bool(self._stream.eof) and not self._output

    @property
    def needs_input(self) -> bool:
        return not self._output

    @property
    def unused_data(self) -> bytes:
        return bytes(self._stream.unused_data)

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        if data:  # never while output is left
            self._output = memoryview(self._stream.decompress(data))
        output, self._output = self._output[:max_length], self._output[max_length:]
        return bytes(output)

"""The formats of compressed archives, known by their first bytes: gzip, bzip2, xz and zstd.

Python has zstd from 3.14 on; before, the package ``zstandard`` is used where it is installed.
"""

from __future__ import annotations

import importlib
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import ArchiveRefused
from airflow_provider_taskcluster.transfer.archive.streams import Format
from airflow_provider_taskcluster.transfer.config import GIB, KIB

if TYPE_CHECKING:
    from collections.abc import Callable

# How many first bytes tell the format.
MAGIC = 6
# xz needs 64 MiB for what its highest level has packed, and as much as a hostile header says.
_XZ_MEMORY = GIB // 2


def _gzip() -> Format:
    return Format(_Gzip, padding=1)


def _bzip2() -> Format:
    return Format(importlib.import_module("bz2").BZ2Decompressor)


def _xz() -> Format:
    lzma = importlib.import_module("lzma")
    return Format(lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY), padding=4)


def _zstd() -> Format:
    try:
        return Format(importlib.import_module("compression.zstd").ZstdDecompressor)
    except ImportError:
        package = importlib.import_module("zstandard")
        return Format(lambda: _Zstandard(package), step=KIB)


@dataclass(frozen=True)
class _Known:
    """A format.

    :param magic: What its files begin with.
    :param suffixes: What the names of its files end with.
    :param load: Raises ImportError where Python was built without it.
    :param missing: What to do then.
    """

    name: str
    magic: re.Pattern[bytes]
    suffixes: tuple[str, ...]
    load: Callable[[], Format]
    missing: str = "use a complete Python on the worker, or have it packed as .tar.gz"


_KNOWN = (
    _Known("gzip", re.compile(rb"\x1f\x8b"), (".tar.gz", ".tgz"), _gzip),
    _Known("bzip2", re.compile(rb"BZh"), (".tar.bz2", ".tbz2"), _bzip2),
    _Known("xz", re.compile(rb"\xfd7zXZ\x00"), (".tar.xz", ".txz"), _xz),
    _Known(
        "zstd",
        re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),  # a frame, or one to be skipped, as by pzstd
        (".tar.zst", ".tzst"),
        _zstd,
        "install 'airflow-provider-taskcluster[zstd]' (the package zstandard), or have it packed as .tar.xz",
    ),
)
SUFFIXES = tuple(suffix for known in _KNOWN for suffix in known.suffixes)


def format_of(first: bytes, archive: str) -> Format | None:
    """Return the format of a file by its first bytes; None if it is not compressed.

    :param archive: Its name, for errors.
    :raises ArchiveRefused: It is one that this Python does not support.
    """
    return next((_loaded(known, archive) for known in _KNOWN if known.magic.match(first)), None)


def check_supported(name: str) -> None:
    """Refuse an archive that cannot be extracted here, by its name, before it is fetched.

    :raises ArchiveRefused: It is of a format that this Python does not support.
    """
    for known in _KNOWN:
        if name.lower().endswith(known.suffixes):
            _loaded(known, name)


def _loaded(known: _Known, archive: str) -> Format:
    try:
        return known.load()
    except ImportError:
        raise ArchiveRefused(
            f"{archive!r} cannot be extracted: {known.name} is not supported by this Python: {known.missing}"
        ) from None


class _Gzip:
    """Zlib's decompressor of one gzip stream, with the interface of the others."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)  # 16: gzip, with its sums

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
    """The decompressor of the package ``zstandard``, with the interface of the others.

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
        if data:  # never while there is output left
            self._output = memoryview(self._stream.decompress(data))
        found, self._output = self._output[:max_length], self._output[max_length:]
        return bytes(found)

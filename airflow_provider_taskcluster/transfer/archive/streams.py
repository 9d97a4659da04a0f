"""Reads a file of concatenated compressed streams.

After a stream, only another stream or the format's padding may follow, up to the end of the file. The standard library
takes anything else after a bz2 or xz stream for the end, and so loses the content of a damaged stream.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

from airflow_provider_taskcluster.transfer.config import KIB, MIB

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import WriteableBuffer

LONGEST_PADDING = 64 * MIB


class Decompressor(Protocol):
    """A decompressor of one stream, with the interface of ``bz2.BZ2Decompressor``."""

    @property
    def eof(self) -> bool:
        """Whether the end of the stream was reached, with correct checksums."""

    @property
    def needs_input(self) -> bool:
        """Whether there is no output without further input."""

    @property
    def unused_data(self) -> bytes:
        """Input after the end of the stream."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return at most ``max_length`` bytes of output."""


@dataclass(frozen=True)
class Compression:
    """How files of a compression format are read.

    :param open: Makes the decompressor of one stream.
    :param padding: Multiple in which zero bytes may follow a stream; 0 if none may.
    :param step: Bytes read from the file at a time.
    """

    open: Callable[[], Decompressor]
    padding: int = 0
    step: int = 64 * KIB


class CompressedReader(io.RawIOBase):
    """The decompressed content of a file, not seekable.

    :raises EOFError: From a read: the file ends within a stream.
    :raises ValueError: From a read: the padding is not allowed by the format.
    """

    def __init__(self, file: BinaryIO, format: Compression) -> None:  # noqa: A002 (the term of the field)
        self._file = file
        self._format = format
        self._stream = format.open()
        self._pending = b""  # read from the file, but not decompressed yet

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Decompress into a buffer; return the number of bytes, 0 at the end."""
        view = memoryview(buffer)
        data = self._read(len(view))
        view[: len(data)] = data
        return len(data)

    def _read(self, size: int) -> bytes:
        while not self._stream.eof or self._next():
            starved = self._stream.needs_input
            data = self._input() if starved else b""
            if found := self._stream.decompress(data, size):
                return found
            if starved and not data and not self._stream.eof:
                raise EOFError("it ends within a compressed stream")
        return b""

    def _input(self) -> bytes:
        data, self._pending = self._pending or self._file.read(self._format.step), b""
        return data

    def _next(self) -> bool:
        """Begin the next stream; return False at the end of the file."""
        rest = self._stream.unused_data or self._input()
        self._pending = self._skip_padding(rest) if self._format.padding else rest
        if self._pending:
            self._stream = self._format.open()
        return bool(self._pending)

    def _skip_padding(self, rest: bytes) -> bytes:
        """Return the input after the padding, b"" at the end of the file."""
        found, length = b"", 0
        while rest and not found:
            found = rest.lstrip(b"\0")
            length += len(rest) - len(found)
            if length > LONGEST_PADDING:
                raise ValueError(f"more than {LONGEST_PADDING} zero bytes are behind a compressed stream")
            rest = found or self._input()
        if length % self._format.padding:
            raise ValueError(
                f"{length:d} zero bytes are behind a compressed stream, "
                f"which is no multiple of {self._format.padding:d}"
            )
        return found

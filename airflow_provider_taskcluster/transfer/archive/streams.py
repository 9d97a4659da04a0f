"""Compressed streams one behind the other, read as one file.

What follows a stream must be another one, or the padding that the format allows, up to the end of the file. The
standard library takes anything else behind a bz2 or xz stream for the end, and loses what a damaged stream held.
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
    """Decompresses one stream. The interface of ``bz2.BZ2Decompressor`` and its like."""

    @property
    def eof(self) -> bool:
        """Whether the end of the stream was reached, and its sums were right."""

    @property
    def needs_input(self) -> bool:
        """Whether it gives nothing more without further input."""

    @property
    def unused_data(self) -> bytes:
        """What was behind the end of the stream."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return so many bytes at most."""


@dataclass(frozen=True)
class Format:
    """A format of compressed files.

    :param open: Makes the decompressor of one stream.
    :param padding: Zero bytes between and behind streams come in multiples of it; 0 if there may be none.
    :param step: Bytes that are read from the file at a time.
    """

    open: Callable[[], Decompressor]
    padding: int = 0
    step: int = 64 * KIB


class Streams(io.RawIOBase):
    """The content of a compressed file, from its beginning to its end. It cannot seek.

    :raises EOFError: While it is read: the file ends within a stream.
    :raises ValueError: While it is read: padding that the format does not allow.
    """

    def __init__(self, file: BinaryIO, format: Format) -> None:  # noqa: A002 (the word of the field)
        self._file = file
        self._format = format
        self._stream = format.open()
        self._ahead = b""  # was read from the file, and not decompressed yet

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Decompress into a buffer; return how many bytes, 0 at the end."""
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
        data, self._ahead = self._ahead or self._file.read(self._format.step), b""
        return data

    def _next(self) -> bool:
        """Begin the next stream; False at the end of the file."""
        rest = self._stream.unused_data or self._input()
        self._ahead = self._behind_padding(rest) if self._format.padding else rest
        if self._ahead:
            self._stream = self._format.open()
        return bool(self._ahead)

    def _behind_padding(self, rest: bytes) -> bytes:
        """Return what follows the padding, b"" at the end of the file."""
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

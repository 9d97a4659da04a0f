"""Decoders for Content-Encoding identity and gzip, which check that the content is complete. Pure."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Protocol

from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.exceptions import TransferError, Truncated

if TYPE_CHECKING:
    from collections.abc import Iterator

_GZIP = 16 + zlib.MAX_WBITS


class Decoder(Protocol):
    """Decodes the bytes of a body into those of the content."""

    def decode(self, data: memoryview) -> Iterator[bytes | memoryview]:
        """Yield the decoded bytes, in pieces of bounded size."""

    def finish(self) -> None:
        """Check that the content is complete at the end of the body."""


def decoder_for(encoding: str, piece: int) -> Decoder:
    """Return the decoder for a Content-Encoding header.

    :param piece: Most bytes to decode at a time: a small gzip body can hold a huge content.
    :raises TransferError: The encoding was not requested.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return _Identity()
        case "gzip" | "x-gzip":
            return _Gzip(piece)
    raise TransferError(
        f"The store sent Content-Encoding '{one_line(encoding, 100)}', which was not asked for: ask those who run this "
        f"store"
    )


class _Identity:
    def decode(self, data: memoryview) -> Iterator[bytes | memoryview]:
        yield data

    def finish(self) -> None:
        """Do nothing: the content has no end mark of its own."""


class _Gzip:
    """One or more gzip members, one after the other (RFC 1952)."""

    def __init__(self, piece: int) -> None:
        self._piece = piece
        self._member = zlib.decompressobj(_GZIP)
        self._begun = False

    def decode(self, data: memoryview) -> Iterator[bytes | memoryview]:
        rest: bytes | memoryview = data
        while rest:
            if self._member.eof:
                self._member, self._begun = zlib.decompressobj(_GZIP), False
            self._begun = True
            if content := self._inflate(rest):
                yield content
            rest = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
        # zlib may still hold decoded bytes
        while not self._member.eof and (content := self._inflate(b"")):
            yield content

    def _inflate(self, data: bytes | memoryview) -> bytes:
        try:
            return self._member.decompress(data, self._piece)
        except zlib.error as error:
            raise TransferError(f"The gzip body is broken: {error}; it is stored so, have it made again") from None

    def finish(self) -> None:
        if not self._begun or not self._member.eof:
            raise Truncated(
                "The gzip body ended before its trailer; "
                "let the task try again, and if that ends so too, have it made again"
            )

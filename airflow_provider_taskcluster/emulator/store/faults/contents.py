"""Faults of a complete response: its body or its headers are wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Message

    from .script import Exchange

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@dataclass(frozen=True)
class Corrupt:
    """The right response with one byte of the body inverted."""

    at: int = 0

    async def answer(self, exchange: Exchange) -> None:
        """Send the body with the byte at ``at`` inverted."""
        offset = 0

        async def send(message: Message) -> None:
            nonlocal offset
            if message["type"] == "http.response.body":
                body = bytearray(message.get("body", b""))
                if 0 <= self.at - offset < len(body):
                    body[self.at - offset] ^= 0xFF
                offset += len(body)
                message = {**message, "body": bytes(body)}
            await exchange.send(message)

        await exchange.store_answers(send)


@dataclass(frozen=True)
class Headers:
    """The right response with some headers changed, or (None) left out: another ETag, no Content-Range."""

    changed: Mapping[str, str | None] = field(default_factory=dict)

    async def answer(self, exchange: Exchange) -> None:
        """Send the response with the changed headers."""

        async def send(message: Message) -> None:
            await exchange.send(with_headers(message, self.changed))

        await exchange.store_answers(send)


@dataclass(frozen=True)
class Ignore:
    """The response to the same request without one of its headers.

    ``Ignore("range")`` sends the whole body with a 200; ``Ignore("if-range")`` a part, even of a changed object.
    """

    header: str

    async def answer(self, exchange: Exchange) -> None:
        """Let the store respond to the request without the header."""
        await _forward(exchange, {self.header: None})


@dataclass(frozen=True)
class OtherRange:
    """A correct 206 for another range: the first and last offset of the requested one are shifted.

    ``OtherRange(last=+100)`` sends more than was requested, ``OtherRange(last=-100)`` less, both within the body.
    """

    first: int = 0
    last: int = 0

    async def answer(self, exchange: Exchange) -> None:
        """Let the store respond to a request for the other range."""
        requested = _RANGE.fullmatch(_header(exchange.scope["headers"], b"range"))
        if requested is None:
            await exchange.store_answers(exchange.send)
        else:
            first, last = int(requested[1]) + self.first, int(requested[2]) + self.last
            await _forward(exchange, {"range": f"bytes={max(0, first)}-{last}"})


@dataclass(frozen=True)
class WrongRange:
    """The right 206 with a wrong Content-Range: other offsets (``shift``), another ``total`` or ``unit``."""

    shift: int = 0
    total: int | str | None = None
    unit: str = "bytes"

    async def answer(self, exchange: Exchange) -> None:
        """Send the response with the wrong Content-Range."""

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 206:  # noqa: PLR2004 (Partial Content)
                match = _CONTENT_RANGE.fullmatch(_header(message["headers"], b"content-range"))
                assert match is not None
                total = match[3] if self.total is None else self.total
                wrong = f"{self.unit} {int(match[1]) + self.shift}-{int(match[2]) + self.shift}/{total}"
                message = with_headers(message, {"content-range": wrong})
            await exchange.send(message)

        await exchange.store_answers(send)


@dataclass(frozen=True)
class Longer:
    """The right body followed by ``by`` zero bytes. Content-Length includes them, Content-Range does not."""

    by: int

    async def answer(self, exchange: Exchange) -> None:
        """Send the body and the additional bytes."""

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = _resized(message, self.by)
            elif not message.get("more_body", False):
                message = {**message, "body": message.get("body", b"") + bytes(self.by)}
            await exchange.send(message)

        await exchange.store_answers(send)


@dataclass(frozen=True)
class Short:
    """The right body without its last ``by`` bytes, and a Content-Length to match, which is valid HTTP.

    A 206 is then shorter than its own Content-Range.
    """

    by: int

    async def answer(self, exchange: Exchange) -> None:
        """Send the beginning as the whole body."""
        left = 0

        async def send(message: Message) -> None:
            nonlocal left
            if message["type"] == "http.response.start":
                message = _resized(message, -self.by)
                left = _length(message)
            else:
                body = message.get("body", b"")[:left]
                left -= len(body)
                message = {**message, "body": body}
            await exchange.send(message)

        await exchange.store_answers(send)


def with_headers(message: Message, changed: Mapping[str, str | None]) -> Message:
    """Return a start message with changed headers; any other message unchanged."""
    if message["type"] != "http.response.start":
        return message
    return {**message, "headers": _changed(message["headers"], changed)}


async def _forward(exchange: Exchange, changed: Mapping[str, str | None]) -> None:
    scope = {**exchange.scope, "headers": _changed(exchange.scope["headers"], changed)}
    await exchange.app(scope, exchange.receive, exchange.send)


def _changed(headers: list[tuple[bytes, bytes]], changed: Mapping[str, str | None]) -> list[tuple[bytes, bytes]]:
    names = {name.lower().encode() for name in changed}
    kept = [(name, value) for name, value in headers if name.lower() not in names]
    return kept + [(name.lower().encode(), value.encode()) for name, value in changed.items() if value is not None]


def _header(headers: list[tuple[bytes, bytes]], wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in headers if name.lower() == wanted), "")


def _length(message: Message) -> int:
    return int(_header(message["headers"], b"content-length"))


def _resized(message: Message, by: int) -> Message:
    return with_headers(message, {"content-length": str(max(0, _length(message) + by))})

"""Responses without a Content-Length, which are valid HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from .contents import Headers

if TYPE_CHECKING:
    from starlette.types import Message

    from .script import Exchange


@dataclass(frozen=True)
class Chunked:
    """The right response in chunks (``Transfer-Encoding: chunked``), without Content-Length."""

    async def answer(self, exchange: Exchange) -> None:
        """Remove the length, upon which the HTTP server sends chunks."""
        await Headers({"content-length": None}).answer(exchange)


@dataclass(frozen=True)
class NoLength:
    """The right response without Content-Length, ended by closing; a cut (``after``) is then not visible."""

    after: int | None = None

    async def answer(self, exchange: Exchange) -> None:
        """Write the response directly to the connection."""
        left = self.after

        async def send(message: Message) -> None:
            nonlocal left
            if message["type"] == "http.response.start":
                await exchange.wire.write(_head(message))
                return
            body = message.get("body", b"")
            body = body if left is None else body[:left]
            left = None if left is None else left - len(body)
            if not exchange.wire.closed:
                await exchange.wire.write(body)
            if left == 0:
                exchange.wire.close()

        await exchange.store_answers(send)
        await exchange.hang_up()


def _head(start: Message) -> bytes:
    status = HTTPStatus(start["status"])
    headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
    lines += [name + b": " + value for name, value in [*headers, (b"connection", b"close")]]
    return b"\r\n".join([*lines, b"", b""])

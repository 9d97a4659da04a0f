"""Faults of a right response that is cut off or late."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Message

    from .script import Exchange


@dataclass(frozen=True)
class Cut:
    """The right response, but the connection closes after some bytes of the body."""

    after: int

    async def answer(self, exchange: Exchange) -> None:
        """Send the first bytes and close."""
        await _until(self.after, exchange, exchange.hang_up)


@dataclass(frozen=True)
class Reset:
    """The right response, but the connection is reset (RST) after some bytes of the body have arrived."""

    after: int

    async def answer(self, exchange: Exchange) -> None:
        """Send the first bytes and reset the connection."""
        await _until(self.after, exchange, exchange.wire.reset)


@dataclass(frozen=True)
class Stall:
    """Silence after some bytes of the body, on an open connection; without ``after``, not even a status is sent."""

    after: int | None = None

    async def answer(self, exchange: Exchange) -> None:
        """Send the first bytes and wait until the client leaves."""
        if self.after is None:
            await exchange.client_gone()
        else:
            await _until(self.after, exchange, exchange.client_gone)


@dataclass(frozen=True)
class Drip:
    """The right response, ``size`` bytes at a time with ``seconds`` between them."""

    size: int
    seconds: float

    async def answer(self, exchange: Exchange) -> None:
        """Send slowly."""

        async def send(message: Message) -> None:
            body = message.get("body", b"")
            if message["type"] == "http.response.body" and not message.get("more_body", False) and not body:
                await exchange.send(message)
            elif message["type"] == "http.response.body":
                await self._drip(exchange, message, body)
            else:
                await exchange.send(message)

        await exchange.store_answers(send)

    async def _drip(self, exchange: Exchange, message: Message, body: bytes) -> None:
        for start in range(0, len(body), self.size):
            if exchange.wire.closed:
                return
            last = start + self.size >= len(body)
            more = not last or message.get("more_body", False)
            await exchange.send({**message, "body": body[start : start + self.size], "more_body": more})
            await asyncio.sleep(self.seconds)


async def _until(after: int, exchange: Exchange, then: Callable[[], Awaitable[None]]) -> None:
    """Send the head and at most ``after`` bytes of the body, call ``then``, and send nothing more."""
    left = after

    async def send(message: Message) -> None:
        nonlocal left
        if message["type"] != "http.response.body":
            await exchange.send(message)
        elif not exchange.wire.closed:
            body = message.get("body", b"")[:left]
            left -= len(body)
            await exchange.send({**message, "body": body, "more_body": True})
            if not left or not message.get("more_body", False):
                await then()

    await exchange.store_answers(send)

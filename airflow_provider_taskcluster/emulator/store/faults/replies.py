"""Faults that send another response; the store does not see the request."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .script import Exchange

SCRIPTED = "Scripted"


@dataclass(frozen=True)
class Status:
    """Another status, such as 503, in place of the response; the request is not read."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    async def answer(self, exchange: Exchange) -> None:
        """Send the status."""
        await self.send(exchange)

    async def send(self, exchange: Exchange, *, complete: bool = True) -> None:
        """Send the status, and end the response or leave it open."""
        headers = {"content-length": str(len(self.body)), **self.headers}
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await exchange.send({"type": "http.response.start", "status": self.status, "headers": raw})
        await exchange.send({"type": "http.response.body", "body": self.body, "more_body": not complete})


def scripted_error(status: int, code: str, message: str = SCRIPTED) -> Status:
    """Return an error as the services send it, for a call that takes no effect."""
    body = json.dumps({"code": code, "message": message, "requestInfo": {}}).encode()
    return Status(status, {"content-type": "application/json"}, body)


@dataclass(frozen=True)
class Redirect:
    """A redirect to any URL."""

    url: str
    status: int = 302

    async def answer(self, exchange: Exchange) -> None:
        """Send the redirect."""
        await Status(self.status, {"location": self.url}).answer(exchange)


@dataclass(frozen=True)
class Refuse:
    """An error for a PUT while the client is still sending, after ``after`` bytes of its body at the earliest.

    The store then closes its sending side and discards what still arrives, as careful servers do, or, with
    ``reset``, resets the connection.
    """

    status: int
    after: int = 0
    body: bytes = b""
    reset: bool = False

    async def answer(self, exchange: Exchange) -> None:
        """Read ``after`` bytes, send the error, and close or reset the connection."""
        await self._read(exchange)
        await Status(self.status, {"connection": "close"}, self.body).send(exchange, complete=False)
        if self.reset:
            await exchange.wire.reset()
        else:
            exchange.wire.shut_down_writing()
            await self._discard(exchange)
        await exchange.hang_up()

    async def _read(self, exchange: Exchange) -> None:
        read = 0
        while read < self.after:
            message = await exchange.receive()
            read += len(message.get("body", b""))
            if not message.get("more_body"):
                return

    async def _discard(self, exchange: Exchange) -> None:
        while (await exchange.receive()).get("more_body"):
            pass

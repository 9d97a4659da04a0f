"""Scripted misfortunes of the store: the nth request that fits is answered wrongly, on purpose.

A fault is a small class that answers in the store's place, or lets the store answer and spoils what it sends.
A new one is one more class here; nothing else needs to know of it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .wire import Wire, Wires


@dataclass(frozen=True)
class Exchange:
    """One request to the store and the means to answer it. ``app`` is the store as it would answer."""

    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    wire: Wire


class Fault(Protocol):
    """Answers one exchange."""

    async def answer(self, exchange: Exchange) -> None:
        """Answer in the store's place."""


@dataclass(frozen=True)
class Status:
    """Another status, such as 503, in place of the answer; the request is not looked at."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    async def answer(self, exchange: Exchange) -> None:
        """Send the status."""
        headers = {"content-length": str(len(self.body)), **self.headers}
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await exchange.send({"type": "http.response.start", "status": self.status, "headers": raw})
        await exchange.send({"type": "http.response.body", "body": self.body})


@dataclass(frozen=True)
class Redirect:
    """A redirect to anywhere."""

    url: str
    status: int = 302

    async def answer(self, exchange: Exchange) -> None:
        """Send the redirect."""
        await Status(self.status, {"location": self.url}).answer(exchange)


@dataclass(frozen=True)
class Cut:
    """The right answer, but the connection ends after some bytes of the body."""

    after: int

    async def answer(self, exchange: Exchange) -> None:
        """Send the first bytes and close."""
        left = self.after

        async def send(message: Message) -> None:
            nonlocal left
            if message["type"] == "http.response.body":
                body = message.get("body", b"")[:left]
                left -= len(body)
                await exchange.send({**message, "body": body, "more_body": True})
                if not left:
                    exchange.wire.close()
            else:
                await exchange.send(message)

        await exchange.app(exchange.scope, exchange.receive, send)
        exchange.wire.close()


@dataclass(frozen=True)
class Corrupt:
    """The right answer with one byte of the body turned over."""

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

        await exchange.app(exchange.scope, exchange.receive, send)


@dataclass(frozen=True)
class NoLength:
    """The right answer without Content-Length, ended by closing; a cut (``after``) then shows nowhere."""

    after: int | None = None

    async def answer(self, exchange: Exchange) -> None:
        """Write the answer past the HTTP server."""
        left = self.after

        async def send(message: Message) -> None:
            nonlocal left
            if message["type"] == "http.response.start":
                await exchange.wire.write(_head(message))
                return
            body = message.get("body", b"")
            body = body if left is None else body[:left]
            left = None if left is None else left - len(body)
            await exchange.wire.write(body)
            if left == 0:
                exchange.wire.close()

        await exchange.app(exchange.scope, exchange.receive, send)
        exchange.wire.close()


def _head(start: Message) -> bytes:
    status = HTTPStatus(start["status"])
    headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
    lines += [name + b": " + value for name, value in [*headers, (b"connection", b"close")]]
    return b"\r\n".join([*lines, b"", b""])


@dataclass
class _Rule:
    fault: Fault
    method: str | None
    path: str
    nth: int
    times: int
    seen: int = 0

    def strikes(self, scope: Scope) -> bool:
        """Count a request that fits, and say whether it is one of those meant."""
        if self.method not in (None, scope["method"]) or self.path not in scope["raw_path"].decode("latin-1"):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


class Faults:
    """The script of one emulator. Rules count from the moment they are added."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault, *, method: str | None = None, path: str = "", nth: int = 1, times: int = 1) -> None:
        """Let ``fault`` answer the nth request that fits (from 1) and, with ``times``, those after it.

        ``path`` is a part of the raw path of the store's URLs.
        """
        with self._lock:
            self._rules.append(_Rule(fault, method, path, nth, times))

    def clear(self) -> None:
        """Forget all rules."""
        with self._lock:
            self._rules.clear()

    def strike(self, scope: Scope) -> Fault | None:
        """The fault for this request; every rule that fits counts it, the first one that means it wins."""
        with self._lock:
            return next((rule.fault for rule in [r for r in self._rules if r.strikes(scope)]), None)


class Faulty:
    """ASGI middleware that asks the script before each request."""

    def __init__(self, app: ASGIApp, faults: Faults, wires: Wires) -> None:
        self.app = app
        self.faults = faults
        self.wires = wires

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, well or badly."""
        fault = self.faults.strike(scope)
        if fault is None:
            await self.app(scope, receive, send)
        else:
            await fault.answer(Exchange(self.app, scope, receive, send, self.wires.of(scope)))

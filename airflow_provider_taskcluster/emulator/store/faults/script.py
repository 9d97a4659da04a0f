"""Which request is struck by which fault."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from airflow_provider_taskcluster.emulator.store.wire import Wire, Wires

# Asks the headers of a request, names in lower case.
Predicate = Callable[[Mapping[str, str]], bool]


@dataclass(frozen=True)
class Exchange:
    """One request to the store and the means to answer it. ``app`` is the store as it would answer."""

    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    wire: Wire

    async def store_answers(self, send: Send) -> None:
        """Let the store answer, its messages going through ``send``."""
        await self.app(self.scope, self.receive, send)

    async def client_gone(self) -> None:
        """Wait, reading what still comes, until the client has left (or the emulator stops)."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def hang_up(self) -> None:
        """End the connection after what was sent has gone out."""
        self.wire.close()
        await self.client_gone()


class Fault(Protocol):
    """Answers one exchange."""

    async def answer(self, exchange: Exchange) -> None:
        """Answer in the store's place."""


@dataclass(frozen=True)
class Both:
    """Two faults at once: the second one answers, and the first one spoils that answer further."""

    first: Fault
    second: Fault

    async def answer(self, exchange: Exchange) -> None:
        """Put the second fault into the place of the store."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await self.second.answer(replace(exchange, scope=scope, receive=receive, send=send))

        await self.first.answer(replace(exchange, app=app))


def ranged(headers: Mapping[str, str]) -> bool:
    """Whether a request asks for a part."""
    return "range" in headers


def unranged(headers: Mapping[str, str]) -> bool:
    """Whether a request asks for the whole."""
    return "range" not in headers


@dataclass
class _Rule:
    fault: Fault
    method: str | None
    path: str
    when: Predicate
    nth: int
    times: int
    seen: int = 0

    def strikes(self, scope: Scope) -> bool:
        """Count a request that fits, and say whether it is one of those meant."""
        if not self._fits(scope):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times

    def _fits(self, scope: Scope) -> bool:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        return (
            self.method in (None, scope["method"])
            and self.path in scope["raw_path"].decode("latin-1")
            and self.when(headers)
        )


class Faults:
    """The script of one emulator. Rules count from the moment they are added."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()

    def add(
        self,
        fault: Fault,
        *,
        method: str | None = None,
        path: str = "",
        when: Predicate = lambda _: True,
        nth: int = 1,
        times: int = 1,
    ) -> None:
        """Let ``fault`` answer the nth request that fits (from 1) and, with ``times``, those after it.

        ``path`` is a part of the raw path of the store's URLs. ``when`` asks the headers: ``ranged``,
        ``unranged``, or a function of one's own.
        """
        with self._lock:
            self._rules.append(_Rule(fault, method, path, when, nth, times))

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

"""Rules that decide which request gets which fault."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from airflow_provider_taskcluster.emulator.store.wire import Wire, Wires

# A condition on the headers of a request, names in lower case.
Predicate = Callable[[Mapping[str, str]], bool]


@dataclass(frozen=True)
class Exchange:
    """One request and the means to respond to it. ``app`` is the server that would respond without the fault."""

    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    wire: Wire

    async def store_answers(self, send: Send) -> None:
        """Let the store respond, passing its messages to ``send``."""
        await self.app(self.scope, self.receive, send)

    async def client_gone(self) -> None:
        """Read and discard data until the client disconnects, or the emulator stops."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def hang_up(self) -> None:
        """Close the connection after the sent data has gone out."""
        self.wire.close()
        await self.client_gone()


class Fault(Protocol):
    """A fault, which responds to one request."""

    async def answer(self, exchange: Exchange) -> None:
        """Respond in the store's place."""


@dataclass(frozen=True)
class Both:
    """Two faults at once: the second one responds, and the first one changes its response."""

    first: Fault
    second: Fault

    async def answer(self, exchange: Exchange) -> None:
        """Let the first fault treat the second one as the store."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await self.second.answer(replace(exchange, scope=scope, receive=receive, send=send))

        await self.first.answer(replace(exchange, app=app))


def ranged(headers: Mapping[str, str]) -> bool:
    """Whether a request has a Range header."""
    return "range" in headers


def unranged(headers: Mapping[str, str]) -> bool:
    """Whether a request has no Range header."""
    return "range" not in headers


@dataclass
class _Rule:
    fault: Fault
    method: str | None
    path: str
    when: Predicate
    nth: int
    times: int
    matched: int = 0

    def strikes(self, scope: Scope) -> bool:
        """Count a matching request, and return whether the rule applies to it."""
        if not self._matches(scope):
            return False
        self.matched += 1
        return self.nth <= self.matched < self.nth + self.times

    def _matches(self, scope: Scope) -> bool:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        return (
            self.method in (None, scope["method"])
            and self.path in scope["raw_path"].decode("latin-1")
            and self.when(headers)
        )


class Faults:
    """The fault rules of one server. A rule counts requests from the time it was added."""

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
        """Let ``fault`` respond to the nth matching request (from 1) and, with ``times``, to those after it.

        ``path`` is a substring of the URL's raw path. ``when`` is a condition on the headers: ``ranged``,
        ``unranged``, or another function.
        """
        with self._lock:
            self._rules.append(_Rule(fault, method, path, when, nth, times))

    def clear(self) -> None:
        """Remove all rules."""
        with self._lock:
            self._rules.clear()

    def strike(self, scope: Scope) -> Fault | None:
        """Return the fault for this request; every matching rule counts it, and the first that applies wins."""
        with self._lock:
            return next((rule.fault for rule in [r for r in self._rules if r.strikes(scope)]), None)


class Faulty:
    """ASGI middleware that lets a fault respond where a rule applies."""

    def __init__(self, app: ASGIApp, faults: Faults, wires: Wires) -> None:
        self.app = app
        self.faults = faults
        self.wires = wires

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or let a fault respond to it."""
        fault = self.faults.strike(scope)
        if fault is None:
            await self.app(scope, receive, send)
        else:
            await fault.answer(Exchange(self.app, scope, receive, send, self.wires.of(scope)))

"""Fault scripts for the emulator of a chaos run: the drawn faults, deaths, and counts of bytes and faults."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.emulator.store import faults as emulator_faults
from airflow_provider_taskcluster.emulator.store.faults import Exchange, Fault, Faults

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Message, Scope

    from .strikes import Strike
    from .traffic import Traffic


@dataclass(frozen=True)
class Die:
    """Fault that kills the emulator (SIGKILL).

    :param after: Bytes of the bodies, in either direction, before it; None for just before the response.
    """

    after: int | None

    async def answer(self, exchange: Exchange) -> None:
        """Serve until the emulator is to die."""
        left = self.after

        def count(body: bytes) -> None:
            nonlocal left
            if left is not None:
                left -= len(body)
                if left <= 0:
                    die()

        async def receive() -> Message:
            message = await exchange.receive()
            count(message.get("body", b""))
            return message

        async def send(message: Message) -> None:
            if left is None:
                die()
            body = message.get("body", b"")
            await exchange.send({**message, "body": body[:left], "more_body": True} if body else message)
            count(body)

        count(b"")
        await replace(exchange, receive=receive).store_answers(send)


@dataclass(frozen=True)
class _Counted:
    """Counts the bytes of a request, served with a fault or without."""

    fault: Fault | None
    traffic: Traffic

    async def answer(self, exchange: Exchange) -> None:
        async def receive() -> Message:
            message = await exchange.receive()
            self.traffic.add(moved=len(message.get("body", b"")))
            return message

        async def send(message: Message) -> None:
            self.traffic.add(moved=len(message.get("body", b"")))
            await exchange.send(message)

        counted = replace(exchange, receive=receive, send=send)
        if self.fault is None:
            await counted.store_answers(send)
        else:
            await self.fault.answer(counted)


class Script(Faults):
    """Fault script of one server.

    :param counts_bytes: Whether to count the bytes of bodies.
    """

    def __init__(self, strikes: Iterable[Strike], traffic: Traffic, *, counts_bytes: bool) -> None:
        super().__init__()
        self._traffic = traffic
        self._counts_bytes = counts_bytes
        for strike in strikes:
            self.add(_fault(strike), nth=strike.nth, times=strike.times)

    def strike(self, scope: Scope) -> Fault | None:
        """Return the fault for a request, and count it."""
        fault = super().strike(scope)
        if fault is not None and not isinstance(fault, Die):
            self._traffic.add(struck=1)
        return _Counted(fault, self._traffic) if self._counts_bytes else fault


def die() -> None:
    """Kill this process."""
    os.kill(os.getpid(), signal.SIGKILL)


def _fault(strike: Strike) -> Fault:
    kind = Die if strike.kills else getattr(emulator_faults, strike.fault)
    fault: Fault = kind(**strike.arguments)
    return fault

"""Stops a process at a step (an operation on a file or a socket), or after a number of bytes."""

from __future__ import annotations

import itertools
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# Python's audit events (https://docs.python.org/3/library/audit_events.html).
EVENTS = frozenset(
    {
        *("open", "os.chmod", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink"),
        *("os.truncate", "fcntl.flock", "socket.connect", "http.client.send"),
    }
)
# Calls without an audit event. Names that this Python does not have are left out.
CALLS: tuple[tuple[Any, str], ...] = (
    *((os, name) for name in ("write", "pwrite", "pwritev", "fsync", "fdatasync", "sync")),
    (socket.socket, "recv_into"),
)


def stop_at(step: int, stop: Callable[[], None]) -> None:
    """Call ``stop`` before the step of this number, from 1. This cannot be undone in this process."""
    count = itertools.count(1)

    def count_step() -> None:
        if next(count) == step:
            stop()

    def audit(event: str, _: tuple[Any, ...]) -> None:
        if event in EVENTS:
            count_step()

    for owner, name in CALLS:
        if hasattr(owner, name):
            setattr(owner, name, _after(count_step, getattr(owner, name)))
    sys.addaudithook(audit)


def stop_when_moved(size: int, stop: Callable[[], None]) -> None:
    """Call ``stop`` when ``size`` bytes of HTTP have been sent and received in all threads."""
    left, receive = [max(1, size)], socket.socket.recv_into

    def count(moved: int) -> None:
        before, left[0] = left[0], left[0] - moved
        if left[0] <= 0 < before:
            stop()

    def received(*arguments: Any) -> int:
        moved = receive(*arguments)
        count(moved)
        return moved

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "http.client.send" and isinstance(arguments[1], bytes | bytearray | memoryview):
            count(len(arguments[1]))

    socket.socket.recv_into = received  # type: ignore[assignment,method-assign]
    sys.addaudithook(audit)


def _after(first: Callable[[], None], call: Callable[..., Any]) -> Callable[..., Any]:
    def called(*arguments: Any, **options: Any) -> Any:
        first()
        return call(*arguments, **options)

    return called

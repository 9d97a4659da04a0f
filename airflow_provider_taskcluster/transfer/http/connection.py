"""The connection that one request uses, so that another thread, or a signal handler, can break it off."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

_SENDING: ContextVar[RequestConnection | None] = ContextVar("sending", default=None)


class HasDescriptor(Protocol):
    """A socket, or TLS around one."""

    def fileno(self) -> int:
        """Return its descriptor."""


class RequestConnection:
    """Of one request, from before it is sent until its answer is read."""

    def __init__(self) -> None:
        self.thread = threading.current_thread()
        self.aborted = False
        self._socket: HasDescriptor | None = None

    @contextlib.contextmanager
    def sending(self) -> Iterator[None]:
        """Learn which connection is used for what this thread sends meanwhile."""
        token = _SENDING.set(self)
        try:
            yield
        finally:
            _SENDING.reset(token)

    def abort(self) -> None:
        """Wake who waits for the other side. He gets an error or what looks like the end; ``broken`` tells."""
        self.aborted = True
        used = self._socket  # which its thread may let go of meanwhile
        if used is not None:
            # By a descriptor of its own: a TLS socket that is shut down itself goes on unencrypted.
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(used.fileno())) as twin:
                twin.shutdown(socket.SHUT_RDWR)

    def detach(self) -> None:
        """Leave the connection to others."""
        self._socket = None

    def attach(self, used: HasDescriptor) -> None:
        """Take note of the socket."""
        self._socket = used
        if self.aborted:
            self.abort()


def current_connection() -> RequestConnection | None:
    """Return the line of the request that this thread sends."""
    return _SENDING.get()

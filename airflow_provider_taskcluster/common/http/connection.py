"""The connection in use by one request, so that another thread or a signal handler can abort it."""

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
    """A socket, or a TLS socket."""

    def fileno(self) -> int:
        """Return its file descriptor."""


class RequestConnection:
    """The connection in use by one request, from before it is sent until its response is read.

    ``kept`` tells whether it has carried other requests before.

    :param method: Method of the request.
    """

    def __init__(self, method: str) -> None:
        self.method = method
        self.thread = threading.current_thread()
        self.aborted = False
        self.kept = False
        self._socket: HasDescriptor | None = None

    @contextlib.contextmanager
    def sending(self) -> Iterator[None]:
        """Record the socket that this thread sends the request over."""
        token = _SENDING.set(self)
        try:
            yield
        finally:
            _SENDING.reset(token)

    def abort(self) -> None:
        """Shut the socket down, which wakes its thread with an error or an early end; ``aborted`` tells the reason."""
        self.aborted = True
        used = self._socket  # read once: its thread may detach it meanwhile
        if used is not None:
            # Over a duplicate descriptor: a TLS socket that is shut down itself goes on unencrypted.
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(used.fileno())) as duplicate:
                duplicate.shutdown(socket.SHUT_RDWR)

    def detach(self) -> None:
        """Forget the socket, so that other requests can use it."""
        self._socket = None

    def attach(self, used: HasDescriptor, *, kept: bool) -> None:
        """Record the socket, and abort it if the request was aborted before."""
        self._socket, self.kept = used, kept
        if self.aborted:
            self.abort()


def current_connection() -> RequestConnection | None:
    """Return the connection of the request that this thread is sending."""
    return _SENDING.get()

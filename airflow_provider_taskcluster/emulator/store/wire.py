"""The connection below an HTTP request, for what no web framework lets one do with it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
import struct
import termios
from typing import TYPE_CHECKING, cast

from uvicorn.protocols.http.auto import AutoHTTPProtocol

if TYPE_CHECKING:
    from starlette.types import Scope

HIGH_WATER = 1 << 20
POLL_SECONDS = 0.001


class Wires:
    """The open connections of one server, by the client's address."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol(self) -> type[asyncio.Protocol]:
        """The protocol class of uvicorn, made to enter its connections here."""
        opened = self._open

        class Tracked(AutoHTTPProtocol):  # type: ignore[misc,valid-type]  # chosen at import time
            def connection_made(self, transport: asyncio.Transport) -> None:
                opened[transport.get_extra_info("peername")[:2]] = transport
                self.access_log = False  # the journal has it; Airflow switches uvicorn's log on again
                super().connection_made(transport)

            def eof_received(self) -> None:
                """Drop what was not sent yet: to a client that has left, it could keep the connection for a minute."""
                self.transport.abort()

            def connection_lost(self, exc: Exception | None) -> None:
                opened.pop(self.client, None)
                super().connection_lost(exc)

        return cast("type[asyncio.Protocol]", Tracked)

    def of(self, scope: Scope) -> Wire:
        """The connection that a request came over."""
        return Wire(self._open.get(tuple(scope["client"])))


class Wire:
    """One connection, which may be gone already."""

    def __init__(self, transport: asyncio.Transport | None) -> None:
        self._transport = transport

    @property
    def closed(self) -> bool:
        """Whether the client has left, or is being left."""
        return self._transport is None or self._transport.is_closing()

    async def write(self, data: bytes) -> None:
        """Send bytes as they are, past all HTTP."""
        if self._transport is None:
            return
        self._transport.write(data)
        while not self.closed and self._transport.get_write_buffer_size() > HIGH_WATER:  # noqa: ASYNC110 - nobody else is told
            await asyncio.sleep(POLL_SECONDS)

    def say_no_more(self) -> None:
        """End the sending side after what was written; what the client sends can still be read."""
        if self._transport is not None:
            self._transport.write_eof()

    async def reset(self) -> None:
        """Break the connection off (RST), but not before all that was written has arrived."""
        if self._transport is None:
            return
        while not self.closed and self._on_the_way():  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(POLL_SECONDS)
        wire = self._transport.get_extra_info("socket")
        with contextlib.suppress(OSError):  # gone by itself
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _on_the_way(self) -> int:
        """Bytes that the other side's kernel has not yet acknowledged."""
        assert self._transport is not None
        unsent = self._transport.get_write_buffer_size()
        try:
            wire = self._transport.get_extra_info("socket")
            answer = fcntl.ioctl(wire.fileno(), termios.TIOCOUTQ, bytes(4))
        except OSError:  # not on every system
            return unsent
        return unsent + int(struct.unpack("i", answer)[0])

    def close(self) -> None:
        """End the connection after what was written has gone out."""
        if self._transport is not None:
            self._transport.close()

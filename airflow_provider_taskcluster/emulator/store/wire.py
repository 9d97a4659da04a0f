"""The TCP connection below an HTTP request, for faults that no web framework can cause."""

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
    """Open connections of one server, by the client's address."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol(self) -> type[asyncio.Protocol]:
        """Return uvicorn's protocol class, extended to register its connections here."""
        opened = self._open

        class Tracked(AutoHTTPProtocol):  # type: ignore[misc,valid-type]  # chosen at import time
            def connection_made(self, transport: asyncio.Transport) -> None:
                opened[transport.get_extra_info("peername")[:2]] = transport
                self.access_log = False  # the journal replaces it, and Airflow enables uvicorn's log again
                super().connection_made(transport)

            def eof_received(self) -> None:
                """Drop unsent data, which could keep the connection of a departed client open for a minute."""
                self.transport.abort()

            def connection_lost(self, exc: Exception | None) -> None:
                opened.pop(self.client, None)
                super().connection_lost(exc)

        return cast("type[asyncio.Protocol]", Tracked)

    def of(self, scope: Scope) -> Wire:
        """Return the connection of a request."""
        return Wire(self._open.get(tuple(scope["client"])))


class Wire:
    """One connection, which may be closed already."""

    def __init__(self, transport: asyncio.Transport | None) -> None:
        self._transport = transport

    @property
    def closed(self) -> bool:
        """Whether either side has closed the connection, or is closing it."""
        return self._transport is None or self._transport.is_closing()

    async def write(self, data: bytes) -> None:
        """Send raw bytes, without HTTP framing."""
        if self._transport is None:
            return
        self._transport.write(data)
        while not self.closed and self._transport.get_write_buffer_size() > HIGH_WATER:  # noqa: ASYNC110 - no event
            await asyncio.sleep(POLL_SECONDS)

    def shut_down_writing(self) -> None:
        """Close the sending side after the written data; the client's data can still be read."""
        if self._transport is not None:
            self._transport.write_eof()

    async def reset(self) -> None:
        """Reset the connection (RST) once all written data has been acknowledged."""
        if self._transport is None:
            return
        while not self.closed and self._unacknowledged():  # noqa: ASYNC110 - the kernel has no event for this
            await asyncio.sleep(POLL_SECONDS)
        wire = self._transport.get_extra_info("socket")
        with contextlib.suppress(OSError):  # closed already
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _unacknowledged(self) -> int:
        """Return the number of bytes that the other side's kernel has not acknowledged."""
        assert self._transport is not None
        unsent = self._transport.get_write_buffer_size()
        try:
            wire = self._transport.get_extra_info("socket")
            queued = fcntl.ioctl(wire.fileno(), termios.TIOCOUTQ, bytes(4))
        except OSError:  # not on every system
            return unsent
        return unsent + int(struct.unpack("i", queued)[0])

    def close(self) -> None:
        """Close the connection after the written data has been sent."""
        if self._transport is not None:
            self._transport.close()

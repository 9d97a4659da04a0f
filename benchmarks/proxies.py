"""TCP proxies between client and server, in a thread: one adds latency, one cuts connections."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 256 * 1024

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Between = Callable[[Pair, Pair], Coroutine[Any, Any, None]]


@contextlib.contextmanager
def far(port: int, round_trip: float) -> Iterator[int]:
    """Give a port that leads to ``port`` with latency: bytes take half a round trip each way.

    Connecting takes a further round trip, as the handshake of TCP does. TLS passes through, with its own round trips.
    """

    async def between(client: Pair, server: Pair) -> None:
        connected = asyncio.get_running_loop().time() + round_trip
        up = _delay(client[0], server[1], round_trip / 2, not_before=connected)
        await asyncio.gather(up, _delay(server[0], client[1], round_trip / 2))

    with _listening(port, between) as public:
        yield public


async def _delay(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float, not_before: float = 0
) -> None:
    """Relay bytes after a delay, without limiting the throughput."""
    clock = asyncio.get_running_loop().time
    in_flight: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def arrive() -> None:
        while True:
            due, block = await in_flight.get()
            await asyncio.sleep(due - clock())
            if not block:
                break
            writer.write(block)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()

    arriving = asyncio.create_task(arrive())
    block = b"-"
    while block:
        block = await reader.read(BLOCK)
        in_flight.put_nowait((max(clock(), not_before) + seconds, block))
    await arriving


class Cutter:
    """Counts the bytes sent by the server over all connections, and cuts a connection at given counts."""

    def __init__(self) -> None:
        self.passed = 0
        self._cuts: list[int] = []

    def begin(self, cuts: list[int]) -> None:
        """Count from zero, and cut the connection each time the count reaches one of ``cuts``."""
        self.passed, self._cuts = 0, list(cuts)

    async def between(self, client: Pair, server: Pair) -> None:
        """Relay one connection."""
        up = asyncio.create_task(_pass_on(client[0], server[1]))
        try:
            while block := await server[0].read(BLOCK):
                passing, cut = self._count(len(block))
                client[1].write(block[:passing])
                await client[1].drain()
                if cut:
                    break
        finally:
            up.cancel()

    def _count(self, size: int) -> tuple[int, bool]:
        """Return how many of the next ``size`` bytes pass, and whether the connection is cut after them."""
        cut = bool(self._cuts) and self.passed + size >= self._cuts[0]
        passing = self._cuts.pop(0) - self.passed if cut else size
        self.passed += passing
        return passing, cut


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while block := await reader.read(BLOCK):
        writer.write(block)
        await writer.drain()
    writer.close()


@contextlib.contextmanager
def cutting(port: int) -> Iterator[tuple[int, Cutter]]:
    """Give a port that leads to ``port``, and the cutter of its connections."""
    cutter = Cutter()
    with _listening(port, cutter.between) as public:
        yield public, cutter


@contextlib.contextmanager
def _listening(port: int, between: Between) -> Iterator[int]:
    """Serve a free port from a thread; ``between`` relays each connection to one to ``port``."""
    loop = asyncio.new_event_loop()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward = await asyncio.open_connection("127.0.0.1", port, limit=BLOCK)
        try:
            with contextlib.suppress(OSError):  # either side may leave at any time
                await between((reader, writer), onward)
        finally:
            for end in (writer, onward[1]):
                end.close()

    thread = threading.Thread(target=loop.run_forever, name="proxy", daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(asyncio.start_server(serve, "127.0.0.1", 0, limit=BLOCK), loop).result()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _stop(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)

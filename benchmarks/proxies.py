"""What lies between client and server: a distance, or a line that is cut. TCP on loopback, in a thread."""

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
    """A port that leads to ``port`` over a distance: bytes take half a round trip each way.

    To connect takes one more, as the handshake of TCP does. TLS passes through, and pays for its own.
    """

    async def between(client: Pair, server: Pair) -> None:
        connected = asyncio.get_running_loop().time() + round_trip
        up = _late(client[0], server[1], round_trip / 2, not_before=connected)
        await asyncio.gather(up, _late(server[0], client[1], round_trip / 2))

    with _listening(port, between) as public:
        yield public


async def _late(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float, not_before: float = 0
) -> None:
    """Pass everything on after some time; what is on the way does not hold up what comes after."""
    clock = asyncio.get_running_loop().time
    way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def arrive() -> None:
        while True:
            due, block = await way.get()
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
        way.put_nowait((max(clock(), not_before) + seconds, block))
    await arriving


class Cutter:
    """Counts the bytes that come from the server, and cuts the connection that carries certain ones of them."""

    def __init__(self) -> None:
        self.passed = 0
        self._cuts: list[int] = []

    def begin(self, cuts: list[int]) -> None:
        """Count from zero, and cut after so many bytes in all, each time."""
        self.passed, self._cuts = 0, list(cuts)

    async def between(self, client: Pair, server: Pair) -> None:
        """Carry one connection."""
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
        """How many of the next ``size`` bytes pass, and whether the line is cut after them."""
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
    """A port that leads to ``port``, and the one who cuts the line."""
    cutter = Cutter()
    with _listening(port, cutter.between) as public:
        yield public, cutter


@contextlib.contextmanager
def _listening(port: int, between: Between) -> Iterator[int]:
    """Serve a free port from a thread; each connection is handed over with one to ``port``."""
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

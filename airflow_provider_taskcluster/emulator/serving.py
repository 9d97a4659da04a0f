"""Thread that runs HTTP servers on an event loop, and reports if it ends by itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import TYPE_CHECKING, Self

import uvicorn

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Mapping

    from starlette.types import ASGIApp

    from .store.wire import Wires

log = logging.getLogger(__name__)

STOP_SECONDS = 1


class EmulatorEndedError(RuntimeError):
    """The servers of an emulator ended by themselves; ``__cause__`` is the reason."""


class ServerThread:
    """Runs servers in a thread from the beginning of a ``with`` block to its end.

    :param servers: The servers by the sockets they listen on.
    """

    def __init__(self, servers: Mapping[socket.socket, Server]) -> None:
        self._servers = servers
        self._ready = threading.Event()
        self._stopping = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="taskcluster-emulator", daemon=True)

    @property
    def running(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def __enter__(self) -> Self:
        """Start; the servers accept requests when this returns."""
        self._thread.start()
        self._ready.wait()
        if self._failure:
            raise RuntimeError("the emulator did not start") from self._failure
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the servers.

        :raises EmulatorEndedError: They had ended by themselves.
        """
        self._stopping = True
        for server in self._servers.values():
            server.should_exit = True
        self._thread.join()
        if self._failure:
            raise EmulatorEndedError(f"The emulator ended by itself: {self._failure!r}") from self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
            if self._ready.is_set():
                log.error("The emulator ended by itself, and answers no more", exc_info=error)
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as group:  # an error of one server ends the other, and this wait for both
            for bound, server in self._servers.items():
                group.create_task(server.serve([bound]))
            for server in self._servers.values():
                await server.ready.wait()
            self._ready.set()
        if not self._stopping:
            raise EmulatorEndedError("nobody stopped the servers")


class Server(uvicorn.Server):
    """uvicorn's server with an event for its readiness, and without signal handlers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        """Serve until told to exit; if that fails, close all connections, so that no client waits."""
        try:
            await super().main_loop()
        except BaseException:
            await self.shutdown()
            raise

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers."""
        yield


def server(app: ASGIApp, wires: Wires) -> Server:
    """Return a server for an application."""
    return Server(
        uvicorn.Config(
            app,
            http=wires.protocol(),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
    )

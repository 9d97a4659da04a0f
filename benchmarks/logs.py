"""The case about the log of a task: a part of it live, the rest from the store, into a file by way of ``logging``."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import checks, world
from .sources import MIB, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .workspace import Measure, Workspace

LIVE, BACKING = "public/logs/live.log", "public/logs/live_backing.log"
# The log has this part of the plan's size, 256 MiB by default; of that, this part is there while the run goes on.
LOG_SHARE, LIVE_SHARE = 4, 10
BLOCK = 64 * 1024
_WORDS = b"compiling linking checking packing testing of some module of the usual length, warning: it is deprecated"


@dataclass
class LiveLog:
    """A server that sends the first bytes of a file to each client, as a livelog sends the log so far, and then ends.

    :param sent: Called when a client has them all.
    """

    path: Path
    size: int
    sent: Callable[[], None] = lambda: None
    url: str = ""

    def serve(self, listener: socket.socket) -> None:
        """Serve clients until the listener is closed."""
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client, contextlib.suppress(OSError):
                self._answer(client)

    def _answer(self, client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        with self.path.open("rb") as file:
            left = self.size
            while block := file.read(min(BLOCK, left)):
                client.sendall(b"%x\r\n%s\r\n" % (len(block), block))
                left -= len(block)
        client.sendall(b"0\r\n\r\n")
        self.sent()


@contextlib.contextmanager
def _serving(path: Path, size: int) -> Iterator[LiveLog]:
    live = LiveLog(path, size)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        live.url = f"http://127.0.0.1:{listener.getsockname()[1]}/log/benchmark"
        thread = threading.Thread(target=live.serve, args=[listener])
        thread.start()
        try:
            yield live
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextlib.contextmanager
def followed(workspace: Workspace, figure: Callable[[world.Run], float]) -> Iterator[Measure]:
    """Follow the log of a task, which is completed when the live part was sent."""
    source = _log_file(workspace)
    with (
        world.near(workspace.folder) as near,
        _serving(source.path, source.size // LIVE_SHARE) as live,
    ):

        def measure(contender: str) -> world.Run:
            run = near.begin_run()
            near.add_s3(run, BACKING, source)
            run.add_reference(LIVE, live.url)
            live.sent = once(run.complete)
            with near.destination() as folder:
                arguments = {"task_id": run.task_id, "live_url": live.url, "source": str(source.path)}
                done = near.contend(contender, destination=str(folder / "file"), **arguments)
                checks.check_size(folder / "file", source.size)
            return done.about(figure(done))

        yield measure


def once(act: Callable[[], object]) -> Callable[[], None]:
    """Return a function that acts when it is called for the first time."""
    called = threading.Event()

    def first() -> None:
        if not called.is_set():
            called.set()
            act()

    return first


def _log_file(workspace: Workspace) -> Source:
    """Write a log of lines of 29 to 129 bytes."""
    path, size = workspace.folder / "log", workspace.plan.size // LOG_SHARE
    lines = b"".join(b"[%09d] %s\n" % (number, _WORDS[: 17 + number * 37 % 88]) for number in range(MIB // 60))
    with path.open("wb") as file:
        for start in range(0, size, len(lines)):
            file.write(lines[: size - start])
        file.seek(size - 1)
        file.write(b"\n")
    return Source(path, size, {})

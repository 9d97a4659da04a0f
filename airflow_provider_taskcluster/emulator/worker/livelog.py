"""Server of one run's live log, which behaves as Taskcluster's livelog does."""

from __future__ import annotations

import logging
import secrets
import socket
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from .settings import STREAM_BACKLOG

if TYPE_CHECKING:
    from .task_log import TaskLog

log = logging.getLogger(__name__)

PIECE = 64 * 1024
TOKEN_BYTES = 16  # 22 characters
STOP_POLL_SECONDS = 0.02
# So long a write waits for a reader that is too far behind: threads of Python take turns, unlike livelog's.
TURN_SECONDS = 0.02
DENIED = b"Access denied"


class LiveLog:
    """Serves the live part of a log at a secret URL of 127.0.0.1, from its construction until ``stop``.

    Each GET gets the log from its first byte, chunked, and then what is added, until the live part ends. There are
    no ranges. A reader that is more than ``backlog`` bytes behind what was written since it came is dropped.
    """

    def __init__(self, task_log: TaskLog, *, backlog: int = STREAM_BACKLOG) -> None:
        self._log = task_log
        self._server = _Server(task_log, f"/log/{secrets.token_urlsafe(TOKEN_BYTES)}", backlog)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(STOP_POLL_SECONDS,), name="livelog", daemon=True
        )
        task_log.when_written.append(self._server.drop_slow_readers)
        self._thread.start()

    @property
    def url(self) -> str:
        """The URL of the stream, which is a secret."""
        return f"http://127.0.0.1:{self._server.server_port}{self._server.stream_path}"

    def stop(self, grace_seconds: float) -> None:
        """End the live part, give readers some seconds to receive the rest, cut their connections, and stop.

        A second call does nothing.
        """
        if not self._thread.is_alive():
            return
        if grace_seconds:
            self._log.end_live()
            self._server.wait_for_readers(grace_seconds)
        self._server.shutdown()
        self._thread.join()
        self._server.cut_connections()
        self._log.end_live()
        self._server.server_close()
        self._log.when_written.remove(self._server.drop_slow_readers)


class _Reader:
    """A response on its way."""

    def __init__(self, start: int, connection: socket.socket) -> None:
        self.start = start  # bytes of the log when the reader came
        self.sent = 0
        self.connection = connection


class _Server(ThreadingHTTPServer):
    """HTTP server that knows its connections, so that it can cut them; ``server_close`` waits for their threads."""

    daemon_threads = False

    def __init__(self, task_log: TaskLog, stream_path: str, backlog: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.task_log = task_log
        self.stream_path = stream_path
        self.readers: set[_Reader] = set()
        self._backlog = backlog
        self._connections: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - as in the base class
        """Note that a connection broke."""
        log.debug("A reader of a live log has gone")

    def drop_slow_readers(self, size: int) -> None:
        """Cut the readers that are too far behind, after a moment in which they can catch up."""
        for reader in list(self.readers):
            end = time.monotonic() + TURN_SECONDS
            while (behind := size - max(reader.start, reader.sent) > self._backlog) and time.monotonic() < end:
                time.sleep(TURN_SECONDS / 20)
            if behind:
                self.readers.discard(reader)
                _cut(reader.connection)

    def wait_for_readers(self, seconds: float) -> None:
        """Wait until no response is on its way, or the time is over."""
        end = time.monotonic() + seconds
        while self.readers and time.monotonic() < end:
            time.sleep(0.002)

    def cut_connections(self) -> None:
        """Cut all connections."""
        for connection in list(self._connections):
            _cut(connection)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """Stream the log, or refuse any other path."""
        if not secrets.compare_digest(self.path.encode("latin-1"), self.server.stream_path.encode()):
            self._deny()
            return
        reader = _Reader(self.server.task_log.live_size, self.connection)
        self.server.readers.add(reader)  # before it has headers: from then on it may count on the grace
        try:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self._stream(reader)
        finally:
            self.server.readers.discard(reader)

    def _stream(self, reader: _Reader) -> None:
        task_log = self.server.task_log
        with task_log.path.open("rb") as file:
            while (size := task_log.wait_for_more(reader.sent)) > reader.sent:
                while piece := file.read(min(PIECE, size - reader.sent)):
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                    reader.sent += len(piece)
        self.wfile.write(b"0\r\n\r\n")

    def _deny(self) -> None:
        self.send_response(HTTPStatus.UNAUTHORIZED)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(DENIED)))
        self.end_headers()
        self.wfile.write(DENIED)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
        """Log nothing: the path is a secret."""


def _cut(connection: socket.socket) -> None:
    """End a connection, also while another thread sends to it."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        log.debug("A reader of a live log had gone")

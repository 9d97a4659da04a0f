"""A livelog, as the worker runs one, scripted by a test: it serves one log to any number of readers on a real socket.

As observed of the real one: 200 and chunks, always from the first byte, Range ignored, no bytes in silence, 401 for
other paths, and a reader that is 200 pieces behind is cut off.
"""

from __future__ import annotations

import contextlib
import secrets
import select
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Full, Queue

PIECES = 200


class Livelog:
    """The log of one run; ``url`` is its secret address."""

    def __init__(self, status=200, headers=(), host="127.0.0.1"):
        self.path = f"/log/{secrets.token_urlsafe(16)}"
        self.requests = []
        self.dropped = 0
        self._stopped = False
        self.status, self.headers = status, dict(headers)
        self.log = bytearray()
        self._readers = {}
        self.ending = None
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Request)
        self._server.livelog = self
        self._server.daemon_threads = False  # waited for by server_close
        self._server.handle_error = lambda *_: None
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        self.url = f"http://{host}:{self._server.server_port}{self.path}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def write(self, data):
        """Append to the log; readers that are too far behind are cut off."""
        with self._lock:
            self.log += data
            for connection, pieces in list(self._readers.items()):
                try:
                    pieces.put_nowait(bytes(data))
                except Full:
                    self.dropped += 1
                    self._hang_up(connection)

    def end(self):
        """End the stream of each reader with the last chunk."""
        self._finish("whole")

    def break_off(self):
        """Break the stream of each reader off."""
        with self._lock:
            for connection in list(self._readers):
                self._hang_up(connection)

    def stop(self):
        """Kill the livelog: the port refuses."""
        if self._stopped:
            return
        self._stopped = True
        self._finish("broken")
        self.break_off()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def readers(self):
        """Number of readers that are connected."""
        return len(self._readers)

    def subscribe(self, connection):
        """Return the log so far, and the queue of the pieces that follow."""
        with self._lock:
            pieces = Queue(PIECES)
            if self.ending is not None:
                pieces.put(None)
            self._readers[connection] = pieces
            return bytes(self.log), pieces

    def unsubscribe(self, connection):
        """Forget a reader."""
        with self._lock:
            self._readers.pop(connection, None)

    def has(self, connection):
        """Whether a reader was not cut off."""
        return connection in self._readers

    def _finish(self, how):
        with self._lock:
            self.ending = how
            for pieces in self._readers.values():
                with contextlib.suppress(Full):
                    pieces.put_nowait(None)

    def _hang_up(self, connection):
        del self._readers[connection]
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


class Request(BaseHTTPRequestHandler):
    """One request to a livelog, which is an attribute of the server."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        """Keep quiet."""

    @property
    def livelog(self):
        return self.server.livelog

    def do_GET(self):
        livelog = self.livelog
        livelog.requests.append((self.path, dict(self.headers)))
        self.close_connection = True
        if self.path != livelog.path:
            return self.answer(401, b"Access denied")
        if livelog.status != 200:
            return self.answer(livelog.status, b"")
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)  # less to fill for a slow reader
        so_far, pieces = livelog.subscribe(self.connection)
        with contextlib.suppress(OSError):
            self.stream(so_far, pieces)
        return livelog.unsubscribe(self.connection)

    def answer(self, status, body):
        self.send_response(status)
        for name, value in {**self.livelog.headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def stream(self, piece, pieces):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while piece is not None and self.livelog.has(self.connection):
            if piece:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            piece = self.next_piece(pieces)
        if self.livelog.ending == "whole" and self.livelog.has(self.connection):
            self.wfile.write(b"0\r\n\r\n")

    def next_piece(self, pieces):
        """Wait for the next piece; None once the reader is gone or cut off."""
        while self.livelog.has(self.connection):
            with contextlib.suppress(Empty):
                return pieces.get(timeout=0.05)
            if select.select([self.connection], [], [], 0)[0]:  # it sends nothing, so it has hung up
                return None
        return None

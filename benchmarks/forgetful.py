"""Store that accepts uploads, counts their bytes and discards them.

nginx would keep them in new pages of the page cache, which takes longer than either contender on a virtual machine
whose host reclaims free pages.
"""

from __future__ import annotations

import contextlib
import math
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK = 1 << 20


@contextlib.contextmanager
def store(root: Path, rate: float = math.inf) -> Iterator[int]:
    """Serve PUTs on the port given; each leaves a sparse file of its length under ``root``.

    :param rate: Most bytes a second on one connection.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        rbufsize = 0  # so that no byte of a body is read with the headers

        def do_PUT(self) -> None:
            size = left = int(self.headers["Content-Length"])
            buffer, started = memoryview(bytearray(BLOCK)), time.monotonic()
            while left and (count := self.connection.recv_into(buffer, min(left, BLOCK), socket.MSG_TRUNC)):
                left -= count
                time.sleep(max(0.0, (size - left) / rate - (time.monotonic() - started)))
            file = root / self.path.partition("?")[0][1:]
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as empty:
                empty.truncate(size - left)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()

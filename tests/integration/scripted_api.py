"""A proxy before the emulator that forwards requests, or responds to some of them by script."""

from __future__ import annotations

import http.client
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Rule:
    """What to do with requests whose path holds ``path``, so many times.

    ``status`` is answered in place of the real one; 0 cuts the connection, None passes the request on after ``delay``.
    ``change`` makes the body that is answered out of the real one.
    """

    path: str
    status: int | None = None
    times: float = 1
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0
    change: Callable[[bytes], bytes] | None = None


class ScriptedApi:
    def __init__(self, behind):
        self.rules: list[Rule] = []
        self.asked: list[tuple[float, str, str]] = []
        self._behind = urlsplit(behind).netloc
        self._lock = threading.Lock()

    def add(self, *arguments, **options):
        self.rules.append(Rule(*arguments, **options))

    def count(self, path):
        return len([asked for _, _, asked in self.asked if path in asked])

    def take(self, method, path):
        with self._lock:
            self.asked.append((time.monotonic(), method, path))
            for rule in self.rules:
                if rule.path in path and rule.times > 0:
                    rule.times -= 1
                    return rule
        return None

    def forward(self, method, path, headers, body):
        connection = http.client.HTTPConnection(self._behind, timeout=10)
        try:
            plain = {name: value for name, value in headers.items() if name.lower() != "accept-encoding"}
            connection.request(method, path, body, plain)
            response = connection.getresponse()
            return response.status, response.read(), response.headers.get("Content-Type", "application/json")
        finally:
            connection.close()


@contextmanager
def scripted_api(behind):
    """Run a scripted proxy before a root URL; ``url`` is its own."""
    api = ScriptedApi(behind)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            rule = api.take(self.command, self.path)
            if rule:
                time.sleep(rule.delay)
            if rule and rule.status == 0:
                self.close_connection = True
                self.connection.close()
                return
            if rule and rule.status:
                status, answer, kind = (
                    rule.status,
                    b'{"code": "Scripted", "message": "as scripted"}',
                    "application/json",
                )
            else:
                status, answer, kind = api.forward(self.command, self.path, dict(self.headers), body)
                if rule and rule.change:
                    answer = rule.change(answer)
            self.send_response(status)
            for name, value in {**(rule.headers if rule else {}), "Content-Type": kind}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_PUT = do_POST = do_GET  # noqa: N815 (names that http.server calls)

        def log_message(self, *args):
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

# Failures there show values too.
pytest.register_assert_rewrite("archives_to_extract", "recorder_contract", "sink_contract", "source_contract")


@dataclass
class LocalServer:
    """A real HTTP server that gives every request the same answer and keeps what it was asked."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    url: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)
    request_headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    clients: set[tuple[str, int]] = field(default_factory=set)


@pytest.fixture
def server():
    local = LocalServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # headers and body come apart

        def do_GET(self):
            local.clients.add(self.client_address)
            local.requests.append((self.command, self.path))
            local.request_headers.append(dict(self.headers))
            local.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_response(local.status)
            for name, value in {**local.headers, "Content-Length": str(len(local.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(local.body)

        do_PUT = do_POST = do_GET  # noqa: N815 (names that http.server calls)

        def log_message(self, *args):
            """Keep quiet."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    local.url = f"http://127.0.0.1:{listener.server_port}"
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield local
    listener.shutdown()
    thread.join()
    listener.server_close()

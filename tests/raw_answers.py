"""Server on loopback that sends raw responses byte for byte, which may be invalid HTTP."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from dataclasses import dataclass, field

DATA = bytes(range(256)) * 12


def answer(*headers, body=b"", status="200 OK", version="HTTP/1.1"):
    """An answer with exactly these headers (text or bytes) and this body, after which the connection is closed."""
    lines = [f"{version} {status}", *headers]
    encoded = [line if isinstance(line, bytes) else line.encode("latin-1") for line in lines]
    return b"\r\n".join([*encoded, b"", b""]) + body


def chunks(*parts):
    """A body in chunks, with the last one."""
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@dataclass
class RawAnswers:
    """Each request brings one answer; the last one is repeated. A function is called with the request."""

    answers: list
    url: str = ""
    kept: bool = False
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    def serve(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection, contextlib.suppress(OSError):
                connection.settimeout(10)
                while self._answer(connection) and self.kept:
                    pass

    def _answer(self, connection):
        request = b""
        while not _whole(request):
            received = connection.recv(1 << 16)
            if not received:
                return False
            request += received
        self.requests.append(request)
        said = self.answers[min(len(self.requests), len(self.answers)) - 1]
        connection.sendall(said(request) if callable(said) else said)
        return True

    @property
    def paths(self):
        return [request.split(b" ")[1].decode() for request in self.requests]


def _whole(request):
    head, ended, body = request.partition(b"\r\n\r\n")
    lengths = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return ended and len(body) >= sum(lengths)


@contextlib.contextmanager
def raw_answers(*answers, kept=False):
    """Serve on a port of its own.

    :param kept: Leave connections open for further requests, until the client closes them.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    served = RawAnswers(list(answers), f"http://127.0.0.1:{listener.getsockname()[1]}/x", kept)
    thread = threading.Thread(target=served.serve, args=[listener])
    thread.start()
    try:
        yield served
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def ranged(request, data, *headers, most=None, cut=None):
    """Answer a GET as an honest store that heeds Range, but not If-Range.

    :param most: Bytes of a part at most.
    :param cut: Bytes after which the connection breaks.
    """
    wanted = re.search(rb"\r\nrange: bytes=(\d+)-(\d*)", request.lower())
    if not wanted:
        body, status, extra = data, "200 OK", []
    else:
        start, end = int(wanted[1]), min(int(wanted[2] or len(data)) + 1, len(data))
        if start >= len(data):
            return answer(f"Content-Range: bytes */{len(data)}", "Content-Length: 0", status="416 Not There")
        end = min(end, start + (most or end))
        body, status, extra = data[start:end], "206 Partial", [f"Content-Range: bytes {start}-{end - 1}/{len(data)}"]
    return answer(*headers, *extra, "Connection: close", f"Content-Length: {len(body)}", body=body[:cut], status=status)

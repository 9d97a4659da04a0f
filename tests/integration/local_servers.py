"""Servers on loopback between a hook and the emulator, or in its place: TLS, and an HTTP proxy."""

from __future__ import annotations

import base64
import http.client
import ipaddress
import select
import socket
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def self_signed(folder):
    """Create a self-signed certificate for 127.0.0.1; return the path of one file with certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    unencrypted = serialization.NoEncryption()
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, unencrypted)
    )
    return path


@contextmanager
def serving(handler, *, certificate=None):
    """Serve on a free port, with TLS if there is a certificate; gives the URL."""
    listener = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    listener.handle_error = lambda *_: None  # clients that hang up are what is tested
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        listener.socket = context.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http{'s' if certificate else ''}://127.0.0.1:{listener.server_port}"
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()


class Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        """Keep quiet."""

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


class Alive(Quiet):
    """Responds to every GET as a running service does."""

    def do_GET(self):
        self.answer(200, b'{"alive": true}', Content_Type="application/json")


def redirecting(to):
    class Redirecting(Quiet):
        def do_GET(self):
            self.answer(301, Location=f"{to}{self.path}?secret=c0ffee")

    return Redirecting


@dataclass
class Proxy:
    """An HTTP proxy that records its requests; of an encrypted one it sees the server alone."""

    login: str | None = None
    url: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)


class Forwarding(Quiet):
    """A proxy's handler."""

    proxy: Proxy

    def do_GET(self):
        if self.allowed():
            self.forward(urlsplit(self.path))

    do_PUT = do_POST = do_GET  # noqa: N815 (names that http.server calls)

    def do_CONNECT(self):
        if self.allowed():
            self.connect(urlsplit(f"//{self.path}"))

    def allowed(self):
        wanted = "Basic " + base64.b64encode((self.proxy.login or "").encode("latin-1")).decode()
        if self.proxy.login and self.headers.get("Proxy-Authorization") != wanted:
            self.answer(407, Proxy_Authenticate="Basic")
            return False
        self.proxy.requests.append((self.command, self.path))
        return True

    def connect(self, target):
        """Pass bytes on in both directions, until one side closes."""
        self.close_connection = True
        with socket.create_connection((target.hostname, target.port), timeout=10) as onward:
            self.send_response(200)
            self.end_headers()
            ends = {self.connection: onward, onward: self.connection}
            while ready := select.select(list(ends), [], [], 10)[0]:
                for end in ready:
                    if not (data := end.recv(65536)):
                        return
                    ends[end].sendall(data)

    def forward(self, target):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items() if not name.startswith("Proxy-")}
        onward = http.client.HTTPConnection(target.hostname, target.port, timeout=10)
        onward.request(self.command, target._replace(scheme="", netloc="").geturl(), body, headers)
        answer = onward.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        dropped = {"content-length", "transfer-encoding", "connection"}
        for name, value in answer.getheaders():
            if name.lower() not in dropped:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        onward.close()


@contextmanager
def proxying(login=None):
    proxy = Proxy(login)
    with serving(type("OfProxy", (Forwarding,), {"proxy": proxy})) as proxy.url:
        yield proxy

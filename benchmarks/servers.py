"""Servers of a world, on loopback: nginx for the bytes, the emulator for the JSON calls."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

HOST = "127.0.0.1"
PATIENCE = 10
PACKAGES = {"nginx": "nginx", "aria2c": "aria2"}

NGINX = """
daemon off;
{user}
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    default_type application/octet-stream;
    ssl_protocols TLSv1.2 TLSv1.3;
    keepalive_requests 1000000;
    client_max_body_size 0;
    client_body_buffer_size 1m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream api {{ server 127.0.0.1:{api_port}; keepalive 8; }}
    server {{
        listen 127.0.0.1:{port}{tls};
        {certificate}
        root {root};
        dav_methods PUT;
        {limits}
        location /api/ {{
            proxy_pass http://api;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host $http_host;
            client_max_body_size 10m;
        }}
    }}
}}
"""


@dataclass(frozen=True)
class Emulated:
    """Address and credentials of a running emulator."""

    root_url: str
    client_id: str
    access_token: str


def need(program: str) -> str:
    """Return the path of a program that the benchmarks need."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        raise SystemExit(f"{program} is missing: install the package {PACKAGES[program]} (`make bench` does, as root)")
    return path


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def nginx(
    folder: Path, root: Path, port: int, api_port: int, *, tls: Tls | None = None, limits: str = ""
) -> Iterator[None]:
    """Run nginx, which serves the files in ``root`` and forwards API calls to ``api_port``.

    :param limits: Further ``location`` blocks of its configuration.
    """
    folder.mkdir(parents=True)
    file = folder / "nginx.conf"
    file.write_text(
        NGINX.format(
            user=f"user {getpass.getuser()};" if os.getuid() == 0 else "",
            folder=folder,
            root=root,
            port=port,
            api_port=api_port,
            tls=" ssl" if tls else "",
            certificate=f"ssl_certificate {tls.certificate}; ssl_certificate_key {tls.key};" if tls else "",
            limits=limits,
        )
    )
    command = [need("nginx"), "-c", str(file), "-e", str(folder / "nginx.log")]
    with _process(command) as running:
        _wait_for(port, running, folder / "nginx.log")
        yield


@contextlib.contextmanager
def emulator(
    data_dir: Path, port: int, store_url: str | None = None, *, options: Sequence[str] = ()
) -> Iterator[Emulated]:
    """Run the emulator; with ``store_url``, its URLs lead to another server.

    :param options: Further options of its command.
    """
    command = [sys.executable, "-m", "airflow_provider_taskcluster.emulator", "--log-level", "WARNING"]
    command += ["--port", str(port), "--data-dir", str(data_dir)]
    command += ["--store-url", store_url] if store_url else []
    command += options
    with _process(command, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        address = json.loads(running.stdout.readline() or "{}")
        if not address:
            raise SystemExit("The emulator did not start")
        yield Emulated(address["root_url"], address["client_id"], address["access_token"])
        running.stdout.close()


@dataclass(frozen=True)
class Tls:
    """Files of a self-signed certificate for loopback, and of its key."""

    certificate: Path
    key: Path


def self_signed(folder: Path) -> Tls:
    """Create a certificate for this run; some clients take none that may sign others."""
    tls = Tls(folder / "certificate.pem", folder / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=benchmark", "-addext", f"subjectAltName=IP:{HOST}"]
    command += ["-addext", "basicConstraints=critical,CA:FALSE"]
    command += ["-keyout", str(tls.key), "-out", str(tls.certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return tls


@contextlib.contextmanager
def _process(command: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    running = subprocess.Popen(command, text=True, **options)
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def _wait_for(port: int, running: subprocess.Popen[str], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and running.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        time.sleep(0.02)
    raise SystemExit(f"nginx did not start: {log.read_text() if log.exists() else 'it left no log'}")

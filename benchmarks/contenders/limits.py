"""Lower bounds for a download: the necessary work, or writing alone; and aria2c, which neither hashes nor syncs.

For a log: ``logging`` alone, and curl, which does not log the lines.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import taskcluster

if TYPE_CHECKING:
    from collections.abc import Callable

BUFFER = 1 << 20


def necessary_work(name: str, destination: str, source: str) -> Callable[[], int]:
    """Compute both sums of as many bytes, which are in memory, on two threads; then copy the body to a file."""
    size, block = _block(source)
    copy = _raw_socket(name, destination)

    def work() -> int:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda digest: _hash(digest, block, size), (hashlib.sha512(), hashlib.sha256())))
        return copy()

    return work


def bare_write(name: str, destination: str, source: str) -> Callable[[], int]:
    """Write as many bytes, which are in memory, to a file on the same disk, and call fdatasync."""
    del name
    size, block = _block(source)

    def work() -> int:
        with Path(destination).open("wb", buffering=0) as file:
            file.writelines(block for _ in range(size // len(block)))
            os.fdatasync(file.fileno())
        return size

    return work


def aria2c(name: str, destination: str) -> Callable[[], int]:
    """Download with aria2c over eight connections; getting the URL is not timed."""
    path = Path(destination)
    command = ["aria2c", "-x8", "-s8", "--file-allocation=none", "--quiet", "-d", str(path.parent), "-o", path.name]
    command.append(_url(name))

    def work() -> int:
        subprocess.run(command, check=True)
        return path.stat().st_size

    return work


def curl_log(task_id: str, live_url: str, source: str, destination: str) -> Callable[[], int]:
    """Download the live log with curl, and then the whole one."""
    del source
    queue = taskcluster.Queue(taskcluster.optionsFromEnvironment())
    stored = queue.buildUrl("getLatestArtifact", task_id, "public/logs/live_backing.log")

    def work() -> int:
        for url in (live_url, stored):
            subprocess.run(["curl", "--silent", "--fail", "--location", "--output", destination, url], check=True)
        return Path(destination).stat().st_size

    return work


def logging_alone(task_id: str, live_url: str, source: str, destination: str) -> Callable[[], int]:
    """Log the lines of a file on the disk to another file."""
    del task_id, live_url
    log = file_logger(destination)

    def work() -> int:
        with Path(source).open() as lines:
            for line in lines:
                log.info("%s", line[:-1])
        return Path(destination).stat().st_size

    return work


def file_logger(destination: str) -> logging.Logger:
    """Return a logger that writes messages to a file."""
    log = logging.getLogger("benchmarks.followed")
    log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(logging.FileHandler(destination))
    return log


def _url(name: str) -> str:
    service = taskcluster.Object(taskcluster.optionsFromEnvironment())
    return str(service.startDownload(name, {"acceptDownloadMethods": {"getUrl": True}})["url"])


def _copy(wire: socket.socket, file: int, buffer: memoryview) -> int:
    head = b""
    while b"\r\n\r\n" not in head:
        head += wire.recv(1 << 12)
    moved = os.write(file, head.partition(b"\r\n\r\n")[2])
    while count := wire.recv_into(buffer):
        moved += os.write(file, buffer[:count])
    return moved


def _raw_socket(name: str, destination: str) -> Callable[[], int]:
    """Return a function that copies the body from a socket to a file, nothing else."""
    parts = urlsplit(_url(name))
    request = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"

    def work() -> int:
        buffer = memoryview(bytearray(BUFFER))
        with socket.create_connection((parts.hostname or "", parts.port or 80)) as wire:
            wire.sendall(request.encode())
            with Path(destination).open("wb", buffering=0) as file:
                return _copy(wire, file.fileno(), buffer)

    return work


def _block(source: str) -> tuple[int, bytes]:
    """Return the size of a file, and its first bytes, which stand for all of it."""
    path = Path(source)
    with path.open("rb") as file:
        return path.stat().st_size, file.read(BUFFER)


def _hash(digest: hashlib._Hash, block: bytes, size: int) -> str:
    for _ in range(size // len(block)):
        digest.update(block)
    return digest.hexdigest()

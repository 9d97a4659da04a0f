"""Kills and power losses of a chaos run happen at the chosen step, and the counts survive them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from chaos import disks
from chaos.traffic import Counts, Traffic

ROOT = Path(__file__).parents[3]


def run(program, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment,
        timeout=60,
        check=False,
        capture_output=True,
        text=True,
    )


def test_counts_outlive_the_process_that_counts(tmp_path):
    counting = """
import os, signal, sys
from pathlib import Path
from chaos.traffic import Traffic
traffic = Traffic(Path(sys.argv[1]))
traffic.add(moved=5, struck=1)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert [run(counting, str(tmp_path / "t")).returncode for _ in range(2)] == [-signal.SIGKILL] * 2
    traffic = Traffic(tmp_path / "t")
    assert traffic.counts() == Counts(moved=10, struck=2)
    traffic.close()


@pytest.mark.parametrize(("step", "left"), [(1, []), (2, ["a"]), (3, ["a", "b"]), (4, ["a", "c"]), (9, ["a", "c"])])
def test_a_process_stops_before_the_step_it_was_told(tmp_path, step, left):
    steps = """
import os, sys
from chaos.steps import stop_at
os.chdir(sys.argv[1])
stop_at(int(sys.argv[2]), lambda: os._exit(9))
os.close(os.open("a", os.O_CREAT))
os.close(os.open("b", os.O_CREAT))
os.rename("b", "c")
os._exit(0)
"""
    assert run(steps, str(tmp_path), str(step)).returncode == (9 if step < 4 else 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == left


class Answering(BaseHTTPRequestHandler):
    """Answers with 500 bytes."""

    def do_GET(self):
        self.server.asked += 1
        self.send_response(200)
        self.send_header("Content-Length", "500")
        self.end_headers()
        self.wfile.write(bytes(500))

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        server.asked = 0
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


# Each exchange moves some 60 bytes there and some 600 back.
@pytest.mark.parametrize(("size", "asked"), [(0, 0), (30, 0), (400, 1), (1000, 2), (10_000_000, 5)])
def test_a_process_stops_when_so_much_has_moved(server, size, asked):
    moving = """
import http.client, os, sys
from chaos.steps import stop_when_moved
stop_when_moved(int(sys.argv[2]), lambda: os._exit(9))
for _ in range(5):
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
    connection.request("GET", "/")
    connection.getresponse().read()
os._exit(0)
"""
    done = run(moving, str(server.server_address[1]), str(size))
    assert (done.returncode, server.asked) == (0 if asked == 5 else 9, asked)


@pytest.mark.parametrize(("after", "sent"), [(0, 0), (None, 0), (3, 1), (4, 2), (100, 2)])
def test_the_emulator_dies_when_so_much_has_moved(monkeypatch, after, sent):
    from airflow_provider_taskcluster.emulator.store.faults import Exchange
    from chaos import faults

    class Died(Exception):
        pass

    def die():
        raise Died

    monkeypatch.setattr(faults, "die", die)
    out = []

    async def app(scope, receive, send):
        for body in (b"123", b"456"):
            await send({"type": "http.response.body", "body": body})

    async def send(message):
        out.append(message)

    exchange = Exchange(app, {}, None, send, None)
    if after == 100:
        asyncio.run(faults.Die(after).answer(exchange))
    else:
        with pytest.raises(Died):
            asyncio.run(faults.Die(after).answer(exchange))
    assert len(out) == sent


mounting = pytest.mark.skipif(not disks.can_mount(), reason="only root can mount a disk that is full or loses power")


@mounting
@pytest.mark.parametrize("commit", [True, False])
def test_power_loss_takes_what_was_not_synced_and_nothing_else(tmp_path, commit):
    disk = disks.ImageDisk(tmp_path / "disk")
    try:
        folder = disk.path / "folder"
        folder.mkdir()
        (folder / "synced").write_bytes(b"1")
        disk.sync()
        (folder / "later").write_bytes(bytes(100_000))
        disk.capture(commit=commit)
        disk.lose_power()
        assert (folder / "synced").read_bytes() == b"1"
        sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
        assert sizes == {"synced": 1, **({"later": 0} if commit else {})}  # a name without its bytes
    finally:
        disk.close()


@mounting
def test_a_small_disk_is_full_and_has_room_again(tmp_path):
    disk = disks.SmallDisk(tmp_path / "disk")
    try:
        disk.fill(50_000)
        with pytest.raises(OSError, match="No space left"):
            (disk.path / "file").write_bytes(bytes(100_000))
        disk.free()
        (disk.path / "file").write_bytes(bytes(100_000))
    finally:
        disk.close()

"""The live log of the command worker, which is served as livelog does."""

from __future__ import annotations

import http.client
import re
import socket
import time
from contextlib import closing, contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

import pytest
from command_tasks import BACKING, LIVE, PYTHON, Queue
from emulator_clients import eventually
from emulator_clients import http as call

from airflow_provider_taskcluster.emulator.worker.livelog import LiveLog
from airflow_provider_taskcluster.emulator.worker.task_log import TaskLog

SLOWLY = "import sys, time\nfor line in range(3):\n    print('line', line, flush=True)\n    time.sleep(0.5)"


@pytest.fixture
def queue(root):
    return Queue(root)


@pytest.fixture
def task_log(tmp_path):
    with closing(TaskLog(tmp_path / "log")) as log:
        yield log


@pytest.fixture
def stream(task_log):
    live = LiveLog(task_log, backlog=100_000)
    yield live
    live.stop(0)


@contextmanager
def reading(url, **headers):
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.netloc, timeout=10)) as connection:
        connection.request("GET", parts.path, headers=headers)
        yield connection.getresponse()


def test_the_stream_is_chunked_text_behind_a_secret_of_22_characters(task_log, stream):
    task_log.write(b"hello\n")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/log/[A-Za-z0-9_-]{22}", stream.url)
    with reading(stream.url) as response:
        assert (response.status, response.version) == (200, 11)
        headers = {name.lower(): value for name, value in response.getheaders()}
        assert headers["content-type"] == "text/plain; charset=utf-8"
        assert headers["transfer-encoding"] == "chunked"
        assert not {"content-length", "etag", "content-encoding", "accept-ranges"} & set(headers)
        assert response.read1() == b"hello\n"


def test_what_is_added_comes_at_once_and_parts_of_lines_too(task_log, stream):
    with reading(stream.url) as response:
        for part in (b"a", b"b\nc", "\u00e4".encode()[:1], "\u00e4".encode()[1:]):
            start = time.monotonic()
            task_log.write(part)
            assert response.read1() == part
            assert time.monotonic() - start < 2


def test_each_reader_begins_at_the_first_byte_whatever_range_it_asks_for(task_log, stream):
    task_log.write(b"0123456789")
    with reading(stream.url) as first, reading(stream.url, Range="bytes=5-") as second:
        assert second.status == 200
        assert first.read1() == second.read1() == b"0123456789"
        task_log.write(b"more")
        assert first.read1() == second.read1() == b"more"


@pytest.mark.parametrize("change", [lambda u: u[:-1], lambda u: u + "x", lambda u: u + "?a=b", lambda u: u[:-23]])
def test_any_other_path_is_denied(stream, change):
    status, _, body = call("GET", change(stream.url))
    assert (status, body) == (401, b"Access denied")


def test_silence_has_no_bytes(task_log, stream):
    task_log.write(b"a")
    with reading(stream.url) as response:
        assert response.read1() == b"a"
        response.fp.raw._sock.settimeout(0.5)
        with pytest.raises(TimeoutError):
            response.read1()


def test_with_a_grace_readers_receive_the_rest(task_log, stream):
    with reading(stream.url) as response:
        task_log.write(b"all of it" * 1000)
        stream.stop(5)
        assert response.read() == b"all of it" * 1000
    task_log.write(b"after")
    assert task_log.path.read_bytes().endswith(b"after")


def test_a_reader_that_has_headers_receives_the_rest_even_if_its_thread_comes_late(task_log, stream, monkeypatch):
    """A busy machine lets the thread of the server wait after it has sent the headers."""
    end_headers = BaseHTTPRequestHandler.end_headers

    def and_pause(handler):
        end_headers(handler)
        time.sleep(0.3)

    monkeypatch.setattr(BaseHTTPRequestHandler, "end_headers", and_pause)
    task_log.write(b"all of it")
    with reading(stream.url) as response:
        stream.stop(5)
        assert response.read() == b"all of it"


def test_without_a_grace_the_stream_is_cut(task_log, stream):
    with reading(stream.url) as response:
        task_log.write(b"a")
        assert response.read1() == b"a"
        stream.stop(0)
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            response.read()


def test_after_the_end_the_port_refuses(stream):
    stream.stop(0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", urlsplit(stream.url).port))


def test_a_slow_reader_is_dropped_and_others_are_not(task_log, stream):
    with reading(stream.url) as fast, socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(10)
        slow.connect(("127.0.0.1", urlsplit(stream.url).port))
        slow.sendall(f"GET {urlsplit(stream.url).path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        time.sleep(0.2)
        written = read = 0
        while written < 20_000_000:
            task_log.write(b"x" * 50_000)
            written += 50_000
            while read < written:
                read += len(fast.read1())
        stream.stop(5)
        assert fast.read() == b""
        received = b""
        with pytest.raises(ConnectionError):  # noqa: PT012 - it is read until it breaks
            while piece := slow.recv(1 << 20):
                received += piece
            raise ConnectionError("cut")
        assert len(received) < written
        assert not received.endswith(b"0\r\n\r\n")


def test_a_late_reader_of_a_long_log_is_not_behind(task_log, stream):
    task_log.write(b"x" * 5_000_000)
    with reading(stream.url) as response:
        task_log.write(b"y")
        task_log.end_live()
        assert response.read() == b"x" * 5_000_000 + b"y"


def test_the_stream_is_a_prefix_of_the_backing_log(queue):
    with queue.worker():
        task_id = queue.create([PYTHON, "-c", SLOWLY], artifacts=[{"type": "file", "path": "missing"}])
        with reading(queue.stream_url(task_id)) as response:
            live = response.read()
        assert queue.end(task_id) == ("failed", "failed")
    backing = queue.content(task_id, BACKING)
    assert backing.startswith(live)
    assert live.count(b"\nline ") == 3
    assert b"TASK FAILURE during artifact upload" in backing[len(live) :]


def test_the_live_log_goes_from_nothing_over_a_reference_to_a_link(queue):
    task_id = queue.create([PYTHON, "-c", SLOWLY])
    assert queue.content(task_id, LIVE)[0] == 404
    seen = []
    with queue.worker():
        queue.stream_url(task_id)
        while not seen or seen[-1] != "link":
            seen.append(queue.artifacts(task_id)[LIVE])
            time.sleep(0.01)
        assert queue.end(task_id) == ("completed", "completed")
    assert sorted(set(seen), reverse=True) == ["reference", "link"]
    journal = queue.clients.tc.journal
    published = [entry.path for entry in journal.entries(method="POST", path=f"/task/{task_id}/runs/0/artifacts/")]
    assert [path.rsplit("%2F", 1)[-1] for path in published] == ["live.log", "live.log", "live_backing.log"]
    assert queue.content(task_id, LIVE) == queue.content(task_id, BACKING)


def test_the_reference_outlives_max_run_time_by_15_minutes(queue):
    with queue.worker():
        task_id = queue.create(["sleep", "600"], maxRunTime=3600)
        queue.stream_url(task_id)
        (reference,) = queue.queue.listArtifacts(task_id, 0)["artifacts"]
        run = queue.status(task_id)["runs"][0]
    assert seconds_between(run["started"], reference["expires"]) == 3600 + 900


def test_a_new_run_has_a_new_stream(queue):
    with queue.worker():
        task_id = queue.create(["sh", "-c", "echo run $RUN_ID; sleep 600"])
        first = queue.wait_for_output(task_id, "\nrun 0\n")
    with queue.worker():
        eventually(lambda: len(queue.status(task_id)["runs"]) == 2)
        second = queue.wait_for_output(task_id, "\nrun 1\n", 1)
    assert first != second
    assert "\nrun 0\n" in queue.log(task_id, 0)


def seconds_between(start, end):
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()

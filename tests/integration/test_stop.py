"""Transfers that are stopped: how soon they end, and what they leave behind."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time

import pytest
from local_servers import Quiet, self_signed, serving

from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.common.retry import RetryPolicy
from airflow_provider_taskcluster.emulator.store.faults import Both, Cut, Drip, Ignore, Stall, Status
from airflow_provider_taskcluster.exceptions import Interrupted, StoreError
from airflow_provider_taskcluster.transfer.download import plan
from airflow_provider_taskcluster.transfer.download.plan import SEGMENT
from airflow_provider_taskcluster.transfer.http.client import StoreClient

SMALL = os.urandom(1_000_000)
LARGE = os.urandom(6 * SEGMENT + 12_345)
# Long before the read time-out, on a machine that is busy.
AT_ONCE = 5.0


@pytest.fixture(autouse=True)
def slow_connections(monkeypatch):
    """No connection counts as fast enough to go alone, however fast this machine is."""
    monkeypatch.setattr(plan, "FAST_ENOUGH", float("inf"))


@pytest.fixture
def large(hook, name, expires, tc):
    hook.upload_object(LARGE, name, expires=expires)
    tc.journal.clear()
    return name


@pytest.fixture
def stopped(connect):
    """Run what gets a hook that is told to stop while it does it; return after how many seconds it was interrupted."""

    def run(transfer, after=0.5):
        hook = connect(extra={"read_timeout": 20})
        assert hook._store  # what is to be stopped is there, however long its libraries take to load
        timer = threading.Timer(after, hook.stop)
        started = time.monotonic()
        timer.start()
        with pytest.raises(Interrupted, match="told to stop"):
            transfer(hook)
        timer.join()
        return time.monotonic() - started

    return run


class Unframed:
    """A body whose end only the connection tells, and that falls silent after some bytes."""

    def __init__(self, after):
        self.after = after

    async def answer(self, exchange):
        await exchange.wire.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + SMALL[: self.after])
        await exchange.client_gone()


@pytest.mark.parametrize("after", [0, 300_000])
def test_a_body_that_only_its_connection_ends_is_not_taken_for_complete(stopped, run, tc, tmp_path, after):
    run.add("public/s", SMALL, storage_type="s3")
    tc.faults.add(Both(Unframed(after), Ignore("range")), method="GET", times=9)
    stopped(lambda hook: hook.download_artifact(run.task_id, "public/s", tmp_path / "s"))
    assert not list(tmp_path.iterdir())


def test_what_is_still_encrypted_is_not_taken_for_the_body(tmp_path):
    """A TLS socket that was shut down gives out what is under way as it is."""
    enough = threading.Event()

    class Sending(Quiet):
        def do_GET(self):  # noqa: N802 (a name that http.server calls)
            self.send_response(200)
            self.send_header("Content-Length", str(len(SMALL)))
            self.end_headers()
            self.wfile.write(SMALL[:500_000])
            enough.wait(10)

    def stopped_midway(store, url):
        with store.get(url, {}) as answer:
            assert answer.readinto(memoryview(bytearray(1000))) == 1000
            time.sleep(0.3)  # more has arrived
            store.stop()
            answer.readinto(memoryview(bytearray(100_000)))

    certificate = self_signed(tmp_path)
    store = StoreClient(Network(verify=str(certificate), proxies={}))
    with serving(Sending, certificate=certificate) as url:
        with pytest.raises(Interrupted):
            stopped_midway(store, url)
        enough.set()
    store.close()


class LateAnswer:
    """Headers after a while, and then nothing."""

    def __init__(self, seconds):
        self.seconds = seconds

    async def answer(self, exchange):
        await asyncio.sleep(self.seconds)
        await Stall(0).answer(exchange)


@pytest.mark.parametrize("fault", [Stall(), Stall(100_000), LateAnswer(1.0)], ids=["silent", "body", "late"])
@pytest.mark.parametrize("connections", [1, 8])
def test_a_download_does_not_wait_for_silent_connections(stopped, large, tc, tmp_path, fault, connections):
    tc.faults.add(fault, method="GET", nth=1 if connections == 1 else 2, times=100)
    seconds = stopped(lambda hook: hook.download_object(large, tmp_path / "copy", connections=connections))
    assert seconds < AT_ONCE
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("connections", [1, 8])
def test_a_download_does_not_sit_out_its_wait_for_the_next_try(stopped, large, tc, tmp_path, connections, monkeypatch):
    monkeypatch.setattr(RetryPolicy, "wait_seconds", lambda *_: 20.0)
    tc.faults.add(Status(503), method="GET", nth=1 if connections == 1 else 2, times=100)
    seconds = stopped(lambda hook: hook.download_object(large, tmp_path / "copy", connections=connections))
    assert seconds < AT_ONCE


WORK = {
    "a call": lambda hook, name, _: hook.object_metadata(name),
    "an upload": lambda hook, name, expires: hook.upload_object(SMALL, name, expires=expires),
    "parts": lambda hook, name, expires: hook.upload_object(
        LARGE, name, expires=expires, multipart="always", part_size=1_000_000
    ),
}


@pytest.mark.parametrize("before", [False, True], ids=["while it waits", "before it begins"])
@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_nobody_sits_out_the_wait_for_a_service(stopped, name, expires, tc, monkeypatch, work, before):
    monkeypatch.setattr(RetryPolicy, "wait_seconds", lambda *_: 20.0)
    tc.api_faults.add(Status(502), times=1000)
    seconds = stopped(lambda hook: work(hook, name, expires), after=0 if before else 0.5)
    assert seconds < AT_ONCE


def test_a_piece_that_fails_for_good_does_not_sit_out_the_waits_of_others(connect, large, tc, tmp_path, monkeypatch):
    monkeypatch.setattr(RetryPolicy, "wait_seconds", lambda *_: 20.0)
    tc.faults.add(Status(503), method="GET", nth=2, times=3)
    tc.faults.add(Status(410), method="GET", nth=5)
    started = time.monotonic()
    with pytest.raises(StoreError, match="410"):
        connect().download_object(large, tmp_path / "copy", connections=8)
    assert time.monotonic() - started < AT_ONCE


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_an_upload_does_not_wait_for_a_silent_connection(stopped, name, expires, tc, content):
    tc.faults.add(Stall(), method="PUT", times=9)
    assert stopped(lambda hook: hook.upload_object(content, name, expires=expires)) < AT_ONCE


def test_a_piece_that_fails_for_good_does_not_wait_for_silent_connections(connect, large, tc, tmp_path):
    tc.faults.add(Stall(), method="GET", nth=2, times=2)
    tc.faults.add(Status(410), method="GET", nth=4)
    started = time.monotonic()
    with pytest.raises(StoreError, match="410"):
        connect(extra={"read_timeout": 20}).download_object(large, tmp_path / "copy", connections=8)
    assert time.monotonic() - started < AT_ONCE


class TimedOut(BaseException):
    """What the execution_timeout of a task raises in the main thread."""


@pytest.fixture
def timed_out_after(alarm):
    def raise_it(*_):
        raise TimedOut

    return lambda seconds: alarm(seconds, raise_it)


def threads_of_transfers():
    names = ("taskcluster-range", "taskcluster-hash")
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(names)]


@pytest.mark.parametrize("fault", [Stall(), Stall(100_000), Drip(20_000, 0.05)], ids=["silent", "body", "drip"])
@pytest.mark.parametrize("connections", [1, 8])
def test_a_time_out_of_the_task_ends_its_threads_and_the_next_try_goes_on(
    connect, large, tc, tmp_path, timed_out_after, fault, connections
):
    if connections == 1:
        tc.faults.add(Cut(2 * SEGMENT), method="GET")
    tc.faults.add(fault, method="GET", nth=2 if connections == 1 else 4, times=100)
    timed_out_after(1.5)
    started = time.monotonic()
    with pytest.raises(TimedOut):
        connect(extra={"read_timeout": 20}).download_object(large, tmp_path / "copy", connections=connections)
    assert time.monotonic() - started < AT_ONCE
    assert not threads_of_transfers()
    assert {path.suffix for path in tmp_path.iterdir()} == {".part", ".json"}
    tc.faults.clear()
    tc.journal.clear()
    connect().download_object(large, tmp_path / "copy", connections=connections)
    assert (tmp_path / "copy").read_bytes() == LARGE
    assert sum(entry.sent for entry in tc.journal.entries(origin="store", method="GET")) <= len(LARGE) - SEGMENT


@pytest.mark.parametrize(
    ("count", "prefix"),
    [(0, "taskcluster-hash"), (1, "taskcluster-hash"), (0, "taskcluster-range"), (3, "taskcluster-range")],
)
def test_a_thread_that_cannot_start_fails_the_download_and_ends_the_others(
    connect, large, tc, tmp_path, no_thread_after, count, prefix
):
    """It is the system that has none left: the next try goes on."""
    tc.faults.add(Stall(1000), method="GET", nth=5, times=100)
    no_thread_after(count, prefix)
    started = time.monotonic()
    with pytest.raises(RuntimeError, match="can't start new thread"):
        connect(extra={"read_timeout": 20}).download_object(large, tmp_path / "copy", connections=8)
    assert time.monotonic() - started < AT_ONCE
    assert not threads_of_transfers()
    assert not (tmp_path / "copy").exists()


# Handles SIGTERM as the supervisor of a task does: on_kill, then an error in the main thread; and execution_timeout.
CHILD = """
import signal, sys
from airflow.exceptions import AirflowTaskTimeout
from airflow_provider_taskcluster.transfer.download import plan
plan.FAST_ENOUGH = float("inf")
from airflow_provider_taskcluster.operators.objects import TaskclusterDownloadObjectOperator
operator = TaskclusterDownloadObjectOperator(
    task_id="download", taskcluster_conn_id="tc_test", name=sys.argv[1], destination=sys.argv[2]
)
def terminated(*_):
    operator.on_kill()
    raise SystemExit(9)
def timed_out(*_):
    raise AirflowTaskTimeout("execution_timeout")
signal.signal(signal.SIGTERM, terminated)
signal.signal(signal.SIGALRM, timed_out)
operator.execute({})
"""


@pytest.mark.parametrize(
    ("sent", "fault"),
    [(signal.SIGTERM, Stall()), (signal.SIGTERM, Drip(20_000, 0.05)), (signal.SIGALRM, Stall(100_000))],
    ids=["SIGTERM, silent", "SIGTERM, drip", "execution_timeout"],
)
def test_a_task_that_is_ended_leaves_what_the_next_try_goes_on_with(
    connect, large, tc, tmp_path, tmp_path_factory, preloaded, sent, fault
):
    stderr = tmp_path_factory.mktemp("outputs") / "stderr"
    connect(extra={"read_timeout": 20})
    tc.faults.add(fault, method="GET", nth=5, times=100)
    with preloaded.running(CHILD, large, str(tmp_path / "copy"), stderr=stderr) as child:
        deadline = time.monotonic() + 60
        while len(tc.journal.entries(origin="store", method="GET")) < 4 + 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.5)
        started = time.monotonic()
        os.kill(child.pid, sent)
        child.join(15)
        assert time.monotonic() - started < AT_ONCE
    said = stderr.read_text()
    assert child.exitcode == (9 if sent == signal.SIGTERM else 1), said
    assert sent == signal.SIGTERM or "AirflowTaskTimeout: execution_timeout" in said
    assert {path.suffix for path in tmp_path.iterdir()} == {".part", ".json"}
    tc.faults.clear()
    tc.journal.clear()
    connect().download_object(large, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == LARGE
    assert sum(entry.sent for entry in tc.journal.entries(origin="store", method="GET")) <= len(LARGE) - SEGMENT

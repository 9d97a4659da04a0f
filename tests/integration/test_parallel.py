"""Parallel downloads of large bodies: conditions, ranges, and failures of one connection."""

from __future__ import annotations

import asyncio
import os
import re
import threading
import time

import pytest

from airflow_provider_taskcluster.emulator.store.faults import (
    Corrupt,
    Cut,
    Headers,
    Ignore,
    Longer,
    OtherRange,
    Reset,
    Short,
    Stall,
    Status,
    WrongRange,
)
from airflow_provider_taskcluster.exceptions import DestinationError, HashMismatch, Interrupted, StoreError
from airflow_provider_taskcluster.transfer.download import plan
from airflow_provider_taskcluster.transfer.download.plan import SEGMENT
from airflow_provider_taskcluster.transfer.hashing.digests import Hashers
from airflow_provider_taskcluster.transfer.sink.base import MemorySink
from airflow_provider_taskcluster.transfer.sink.partial_file import PathSink

DATA = os.urandom(6 * SEGMENT + 12_345)


@pytest.fixture(scope="module")
def stored(taskcluster_emulator):
    """One large object for all tests of this file."""
    from datetime import UTC, datetime, timedelta

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TASKCLUSTER_ROOT_URL", taskcluster_emulator.root_url)
        patch.setenv("TASKCLUSTER_CLIENT_ID", taskcluster_emulator.client_id)
        patch.setenv("TASKCLUSTER_ACCESS_TOKEN", taskcluster_emulator.access_token)
        from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

        hook = TaskclusterHook("from_environment")
        hook.upload_object(DATA, "tests/parallel", expires=datetime.now(UTC) + timedelta(days=1), project_id="tests")
        hook.close()
    return "tests/parallel"


@pytest.fixture(autouse=True)
def slow_connections(monkeypatch):
    """No connection counts as fast enough to go alone, however fast this machine is."""
    monkeypatch.setattr(plan, "FAST_ENOUGH", float("inf"))


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = threading.active_count()
    yield
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("taskcluster-range")]
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("taskcluster-hash")]


@pytest.fixture
def fetch(hook, stored, tmp_path):
    def run(hook=hook, **options):
        result = hook.download_object(stored, tmp_path / "copy", **options)
        assert (tmp_path / "copy").read_bytes() == DATA
        assert len(list(tmp_path.iterdir())) == 1
        assert result.verified == "sha256+sha512"
        return result

    return run


def gets(tc):
    return tc.journal.entries(origin="store", method="GET")


def of_full_length(headers):
    """Whether a piece is asked for that faults have room in: not the last one, which may overtake others."""
    return not headers.get("range", "").endswith(f"-{len(DATA) - 1}")


def pieces(tc):
    found = [re.fullmatch(r"bytes=(\d+)-(\d+)", entry.headers.get("range", "")) for entry in gets(tc)]
    return [(int(match[1]), int(match[2])) for match in found if match]


def test_a_large_object_comes_in_pieces_over_many_connections(fetch, tc):
    assert fetch(connections=4).attempts == 1
    expected = [(start, min(start + SEGMENT, len(DATA)) - 1) for start in range(0, len(DATA), SEGMENT)]
    assert sorted(pieces(tc)) == expected
    assert 2 <= len({entry.connection for entry in gets(tc)}) <= 4
    assert {entry.headers["if-range"] for entry in gets(tc)[1:]} == {gets(tc)[1].headers["if-range"]}
    assert sum(entry.sent for entry in gets(tc)) == len(DATA)


@pytest.mark.parametrize(
    ("sink", "connections", "reason"),
    [
        (None, 1, "only one connection is allowed"),
        (MemorySink, 8, "the sink takes bytes in order only"),
    ],
)
def test_what_forbids_it_is_said_in_the_debug_log(hook, stored, tc, tmp_path, caplog, sink, connections, reason):
    caplog.set_level("DEBUG", "airflow_provider_taskcluster")
    hook.download_object(stored, sink(None) if sink else tmp_path / "copy", connections=connections)
    assert len(gets(tc)) == 1
    assert reason in caplog.text


def test_gzip_goes_as_one_stream(hook, run, tc, tmp_path, caplog):
    caplog.set_level("DEBUG", "airflow_provider_taskcluster")
    run.add("public/g", DATA, storage_type="s3", gzipped=True)
    tc.journal.clear()
    hook.download_artifact(run.task_id, "public/g", tmp_path / "g")
    assert (tmp_path / "g").read_bytes() == DATA
    assert len({entry.connection for entry in gets(tc)}) == 1
    assert "the body is encoded (gzip)" in caplog.text


def test_the_file_has_its_full_length_before_the_pieces_come(fetch, monkeypatch):
    write_at, lengths = PathSink.write_at, []

    def looked_at(self, offset, data):
        lengths.append(os.fstat(self._opened().fileno()).st_size)
        write_at(self, offset, data)

    monkeypatch.setattr(PathSink, "write_at", looked_at)
    fetch()
    assert set(lengths) == {len(DATA)}


def test_four_to_eight_connections_are_used_at_once_unless_told_otherwise(hook, run, tc, tmp_path):
    at_once = []

    class Slow:
        now = 0

        async def answer(self, exchange):
            self.now += 1
            at_once.append(self.now)
            await asyncio.sleep(0.5)
            self.now -= 1
            await exchange.store_answers(exchange.send)

    run.add("public/s", DATA * 2, storage_type="s3")
    tc.faults.add(Slow(), method="GET", times=100)
    hook.download_artifact(run.task_id, "public/s", tmp_path / "s")
    assert 4 <= max(at_once) <= 8


def test_identity_in_capitals_is_no_encoding(fetch, tc):
    tc.faults.add(Headers({"Content-Encoding": "Identity"}), method="GET", times=99)
    fetch()
    assert len(gets(tc)) == 7


def test_an_s3_artifact_comes_in_pieces_too(hook, run, tc, tmp_path):
    run.add("public/s", DATA, storage_type="s3")
    tc.journal.clear()
    result = hook.download_artifact(run.task_id, "public/s", tmp_path / "s")
    assert (tmp_path / "s").read_bytes() == DATA
    assert len(gets(tc)) == 7
    assert result.verified == "length"


@pytest.mark.parametrize(
    "fault",
    [Status(503), Status(429), Cut(100_000), Reset(2_000_000), Short(1000), OtherRange(last=-77)],
    ids=str,
)
def test_a_piece_that_fails_is_fetched_again_alone(fetch, tc, fault):
    tc.faults.add(fault, method="GET", when=of_full_length, nth=4)
    fetch()
    assert len(gets(tc)) == 8


@pytest.mark.parametrize("fault", [Longer(5000), OtherRange(last=3000), OtherRange(first=-3000)], ids=str)
def test_a_piece_with_more_than_was_asked_is_cut_to_size(fetch, tc, fault):
    tc.faults.add(fault, method="GET", when=of_full_length, nth=3)
    fetch()
    assert len(gets(tc)) == 7


def test_a_piece_that_stalls_is_fetched_again(fetch, connect, tc):
    tc.faults.add(Stall(1_000_000), method="GET", when=of_full_length, nth=3)
    fetch(connect(extra={"read_timeout": 0.4}))


@pytest.mark.parametrize("fault", [Ignore("range"), WrongRange(total=5), Status(416)], ids=str)
def test_a_store_that_stops_honouring_ranges_is_asked_for_the_whole(fetch, tc, fault):
    tc.faults.add(fault, method="GET", nth=4)
    fetch()
    assert "range" not in gets(tc)[-1].headers


def test_the_whole_fails_when_a_piece_fails_for_good(hook, stored, tc, tmp_path):
    tc.faults.add(Status(410), method="GET", nth=5, times=100)
    with pytest.raises(StoreError, match="410"):
        hook.download_object(stored, tmp_path / "copy")
    assert not list(tmp_path.iterdir())


def test_a_corrupt_piece_is_found_and_nothing_is_kept(hook, stored, tc, tmp_path):
    tc.faults.add(Corrupt(5), method="GET", nth=6)
    with pytest.raises(HashMismatch):
        hook.download_object(stored, tmp_path / "copy")
    assert not list(tmp_path.iterdir())


def test_a_grant_that_runs_out_is_renewed_once_for_all(fetch, tc):
    class Later:
        async def answer(self, exchange):
            tc.clock.advance(minutes=10)
            await exchange.app(exchange.scope, exchange.receive, exchange.send)

    tc.faults.add(Later(), method="GET", nth=3)
    fetch(connections=4)
    assert len(tc.journal.entries(path="/start-download/")) == 2
    assert 403 in {entry.status for entry in gets(tc)}


def test_an_s3_url_that_runs_out_is_renewed_once_for_all(hook, run, tc, tmp_path):
    """It holds for half an hour."""

    class Later:
        async def answer(self, exchange):
            tc.clock.advance(minutes=40)
            await exchange.app(exchange.scope, exchange.receive, exchange.send)

    run.add("public/s", DATA, storage_type="s3")
    tc.journal.clear()
    tc.faults.add(Later(), method="GET", nth=3)
    hook.download_artifact(run.task_id, "public/s", tmp_path / "s", run_id=0, connections=4)
    assert (tmp_path / "s").read_bytes() == DATA
    assert len(tc.journal.entries(path="/artifact-content/")) == 2
    assert 403 in {entry.status for entry in gets(tc)}


def test_a_dead_writer_fails_the_transfer_at_once(hook, stored, tmp_path, monkeypatch):
    def full(self, offset, data):
        raise DestinationError("Cannot write: the disk is full")

    monkeypatch.setattr(PathSink, "write_at", full)
    started = time.monotonic()
    with pytest.raises(DestinationError):
        hook.download_object(stored, tmp_path / "copy")
    assert time.monotonic() - started < 5
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("connections", [1, 8])
def test_a_dead_hasher_fails_the_transfer_at_once(hook, stored, tmp_path, monkeypatch, connections):
    update = Hashers.update

    def dies(self, data):
        if threading.current_thread().name == "taskcluster-hashing":
            raise MemoryError("hashing died")
        update(self, data)

    monkeypatch.setattr(Hashers, "update", dies)
    started = time.monotonic()
    with pytest.raises(MemoryError, match="hashing died"):
        hook.download_object(stored, tmp_path / "copy", connections=connections)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("connections", [1, 8])
def test_a_task_that_is_told_to_stop_ends_its_threads_at_once(connect, stored, tc, tmp_path, connections):
    hook = connect()
    tc.faults.add(Stall(100_000), method="GET", nth=2 if connections > 1 else 1, times=100)
    stopper = threading.Timer(0.5, hook.stop)
    stopper.start()
    started = time.monotonic()
    with pytest.raises(Interrupted, match="told to stop"):
        hook.download_object(stored, tmp_path / "copy", connections=connections)
    assert time.monotonic() - started < 5
    assert not (tmp_path / "copy").exists()


def test_many_transfers_at_once_on_one_hook(hook, stored, tmp_path):
    def work(number):
        hook.download_object(stored, tmp_path / str(number), connections=3)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((tmp_path / str(number)).read_bytes() == DATA for number in range(4))


def test_two_transfers_to_one_path_do_not_mix(hook, stored, tmp_path):
    threads = [threading.Thread(target=hook.download_object, args=(stored, tmp_path / "copy")) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "copy").read_bytes() == DATA
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_a_connection_that_is_fast_enough_goes_alone(fetch, tc, monkeypatch, caplog):
    caplog.set_level("DEBUG", "airflow_provider_taskcluster")
    monkeypatch.setattr(plan, "FAST_ENOUGH", 0)
    fetch()
    assert len({entry.connection for entry in gets(tc)}) == 1
    assert len(gets(tc)) == 2
    assert "one connection is fast enough" in caplog.text

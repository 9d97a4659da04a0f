"""Partial files of interrupted downloads: when they are left, resumed or void."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import threading
import time

import pytest

from airflow_provider_taskcluster.emulator.store.faults import Cut, Headers, Stall, Status
from airflow_provider_taskcluster.exceptions import Interrupted, StoreError, TransferError
from airflow_provider_taskcluster.transfer.download import plan
from airflow_provider_taskcluster.transfer.download.plan import SEGMENT
from airflow_provider_taskcluster.transfer.sink import checkpoint
from airflow_provider_taskcluster.transfer.sink.directory import Directory
from airflow_provider_taskcluster.transfer.sink.partial_file import PathSink

DATA = os.urandom(5 * SEGMENT)
OTHER = os.urandom(5 * SEGMENT)


@pytest.fixture
def stored(hook, name, expires, tc):
    hook.upload_object(DATA, name, expires=expires)
    tc.journal.clear()
    return name


def gets(tc):
    return tc.journal.entries(origin="store", method="GET")


def fetched(tc):
    """Bytes that the store sent."""
    return sum(entry.sent for entry in gets(tc))


def wait_until_quiet(journal):
    """Requests that were broken off may still be on their way in."""
    seen = -1
    while len(journal) != seen or any(entry.seconds is None for entry in journal):
        seen = len(journal)
        time.sleep(0.1)


@pytest.fixture(params=[1, 6], ids=["one connection", "parallel"])
def connections(request, monkeypatch):
    monkeypatch.setattr(plan, "FAST_ENOUGH", float("inf"))  # however fast this machine is
    return request.param


@pytest.fixture
def interrupted(connect, stored, tc, tmp_path, connections):
    """A download to ``copy`` that was told to stop when about half of it was there."""
    hook = connect()
    if connections == 1:
        tc.faults.add(Stall(3 * SEGMENT), method="GET")
    else:
        tc.faults.add(Stall(SEGMENT // 2), method="GET", nth=4, times=100)
    threading.Timer(0.7, hook.stop).start()
    with pytest.raises(Interrupted):
        hook.download_object(stored, tmp_path / "copy", connections=connections)
    wait_until_quiet(tc.journal)
    tc.faults.clear()
    tc.journal.clear()
    return tmp_path / "copy"


def partial(folder):
    return {path.suffix: path for path in folder.iterdir()}


def test_what_arrived_is_left_beside_the_final_name_with_a_record(interrupted, stored):
    left = partial(interrupted.parent)
    assert set(left) == {".part", ".json"}
    record = json.loads(left[".json"].read_text())
    assert 0 < record["offset"] < len(DATA)
    assert left[".part"].read_bytes()[: record["offset"]] == DATA[: record["offset"]]
    assert "http" not in left[".json"].read_text()
    assert "signature" not in left[".json"].read_text()


def test_a_next_try_that_is_stopped_leaves_as_much(interrupted, connect, stored, caplog, connections):
    """It does not hash all of what is there first."""
    left = partial(interrupted.parent)[".json"].read_text()
    hook = connect("tc_next_try")
    hook._store.stop()
    with pytest.raises(Interrupted):
        hook.download_object(stored, interrupted, connections=connections)
    assert partial(interrupted.parent)[".json"].read_text() == left
    assert "Going on" not in caplog.text


def test_the_next_try_goes_on_with_it(interrupted, connect, stored, tc, connections):
    offset = json.loads(partial(interrupted.parent)[".json"].read_text())["offset"]
    result = connect("tc_next_try").download_object(stored, interrupted, connections=connections)
    assert interrupted.read_bytes() == DATA
    assert result.verified == "sha256+sha512"
    assert fetched(tc) == len(DATA) - offset
    assert list(interrupted.parent.iterdir()) == [interrupted]


@pytest.mark.parametrize("storage_type", ["object", "s3"])
def test_what_is_there_in_full_is_not_fetched_again(connect, run, tc, tmp_path, monkeypatch, storage_type, connections):
    """Only its last byte: the answer tells whether it is still what the store has."""

    def interrupted(_):
        raise Interrupted("The task was told to stop")

    run.add("public/a", DATA, storage_type=storage_type)
    with monkeypatch.context() as patch:
        patch.setattr(PathSink, "commit", interrupted)
        with pytest.raises(Interrupted):
            connect().download_artifact(run.task_id, "public/a", tmp_path / "a", connections=connections)
    tc.journal.clear()
    connect("tc_next_try").download_artifact(run.task_id, "public/a", tmp_path / "a", connections=connections)
    assert (tmp_path / "a").read_bytes() == DATA
    assert [(entry.status, entry.sent) for entry in gets(tc)] == [(206, 1)]


def test_a_record_of_another_object_is_void(interrupted, hook, name, expires, tc):
    hook.upload_object(OTHER, f"{name}-other", expires=expires)
    tc.journal.clear()
    hook.download_object(f"{name}-other", interrupted)
    assert interrupted.read_bytes() == OTHER
    assert fetched(tc) == len(OTHER)


@pytest.mark.parametrize(
    "damage",
    [
        lambda left: left[".json"].write_text("{torn"),
        lambda left: left[".json"].write_text("[]"),
        lambda left: left[".json"].write_text("[" * 200_000),
        lambda left: left[".json"].write_text(left[".json"].read_text().replace('"version": 1', '"version": 99')),
        lambda left: left[".json"].write_text(left[".json"].read_text().replace('"version": 1, ', "")),
        lambda left: left[".json"].unlink(),
        lambda left: os.truncate(left[".part"], 1000),
        lambda left: left[".part"].unlink(),
    ],
    ids=["torn", "no object", "too deep", "another version", "no version", "no record", "too short", "no bytes"],
)
def test_what_cannot_be_used_is_void(interrupted, hook, stored, tc, damage):
    damage(partial(interrupted.parent))
    hook.download_object(stored, interrupted)
    assert interrupted.read_bytes() == DATA
    assert fetched(tc) == len(DATA)
    assert list(interrupted.parent.iterdir()) == [interrupted]


def test_bytes_that_were_damaged_on_the_disk_are_found_and_fetched_anew(interrupted, hook, stored, caplog):
    part = partial(interrupted.parent)[".part"]
    with part.open("r+b") as file:
        file.seek(1000)
        file.write(b"damage")
    hook.download_object(stored, interrupted)
    assert interrupted.read_bytes() == DATA
    assert "fetching all of it anew" in caplog.text


def test_the_store_says_when_the_bytes_are_others_now(interrupted, hook, stored, tc):
    """Without the hash (an s3 artifact) the ETag is what tells; here a store that has another one."""
    tc.faults.add(Headers({"ETag": '"another"'}), method="GET")
    hook.download_object(stored, interrupted)
    assert interrupted.read_bytes() == DATA


def test_an_s3_artifact_is_gone_on_with_by_its_etag(connect, run, tc, tmp_path):
    run.add("public/s", DATA, storage_type="s3")
    tc.faults.add(Cut(2 * SEGMENT), method="GET", times=1)
    tc.faults.add(Status(503), method="GET", nth=2, times=100)
    with pytest.raises(StoreError):
        connect(extra={"max_retries": 1}).download_artifact(run.task_id, "public/s", tmp_path / "s", connections=1)
    tc.faults.clear()
    tc.journal.clear()
    connect().download_artifact(run.task_id, "public/s", tmp_path / "s")
    assert (tmp_path / "s").read_bytes() == DATA
    assert fetched(tc) == len(DATA) - 2 * SEGMENT


def test_what_nobody_hashes_is_not_read_again(connect, run, tc, tmp_path, monkeypatch):
    def never(*_):
        raise AssertionError("What is on the disk was read")

    monkeypatch.setattr(PathSink, "read_at", never)
    test_an_s3_artifact_is_gone_on_with_by_its_etag(connect, run, tc, tmp_path)


def test_what_had_come_but_was_not_written_yet_when_it_failed_is_written_first(connect, run, tc, tmp_path, monkeypatch):
    write = PathSink.write

    def slowly(self, data):
        time.sleep(0.05)
        write(self, data)

    monkeypatch.setattr(PathSink, "write", slowly)
    test_an_s3_artifact_is_gone_on_with_by_its_etag(connect, run, tc, tmp_path)


def test_a_record_is_never_ahead_of_the_file(connect, run, tc, tmp_path, monkeypatch):
    """A thread writes what nobody hashes, and the length of a file that was reserved says nothing."""
    run.add("public/s", DATA, storage_type="s3")
    monkeypatch.setattr(checkpoint, "MAX_TIME_SHARE", 1e9)  # however slow this disk is
    write, note, written, notes = PathSink.write, PathSink.note, [], []

    def slowly(self, data):
        time.sleep(0.05)
        write(self, data)
        written.append(len(data))

    def noted(self, record):
        notes.append(record.offset)
        note(self, record)
        assert record.offset <= sum(written)

    monkeypatch.setattr(PathSink, "write", slowly)
    monkeypatch.setattr(PathSink, "note", noted)
    connect().download_artifact(run.task_id, "public/s", tmp_path / "s", connections=1)
    assert len(notes) > 1
    assert (tmp_path / "s").read_bytes() == DATA


def test_a_writer_that_dies_fails_the_download_at_once_and_what_it_wrote_is_kept(
    connect, run, tc, tmp_path, monkeypatch
):
    run.add("public/s", DATA, storage_type="s3")
    write, written = PathSink.write, []

    def dies(self, data):
        if sum(written) > 2 * SEGMENT:
            assert threading.current_thread().name == "taskcluster-hashing"
            raise MemoryError("writing died")
        write(self, data)
        written.append(len(data))

    monkeypatch.setattr(PathSink, "write", dies)
    with pytest.raises(MemoryError, match="writing died"):
        connect().download_artifact(run.task_id, "public/s", tmp_path / "s", connections=1)
    monkeypatch.setattr(PathSink, "write", write)
    assert json.loads(partial(tmp_path)[".json"].read_text())["offset"] == sum(written)
    tc.journal.clear()
    connect().download_artifact(run.task_id, "public/s", tmp_path / "s", connections=1)
    assert (tmp_path / "s").read_bytes() == DATA
    assert fetched(tc) == len(DATA) - sum(written)


def test_a_gzip_body_leaves_nothing_since_its_decoder_dies_with_the_process(connect, run, tc, tmp_path):
    run.add("public/g", DATA, storage_type="s3", gzipped=True)
    tc.faults.add(Cut(2 * SEGMENT), method="GET", times=1)
    tc.faults.add(Status(503), method="GET", nth=2, times=100)
    with pytest.raises(TransferError):
        connect(extra={"max_retries": 1}).download_artifact(run.task_id, "public/g", tmp_path / "g")
    assert not list(tmp_path.iterdir())


CHILD = """
import sys
from airflow_provider_taskcluster.transfer.download import plan
from airflow_provider_taskcluster.transfer.sink.directory import Directory
from airflow_provider_taskcluster.transfer.sink.partial_file import PathSink
plan.FAST_ENOUGH = float("inf")
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
print("begins", flush=True)
TaskclusterHook("tc_test").download_object(sys.argv[1], sys.argv[2], connections=int(sys.argv[3]))
"""


def test_a_process_that_is_killed_leaves_what_the_next_one_needs(hook, stored, tc, tmp_path, preloaded, connections):
    if connections == 1:
        tc.faults.add(Stall(4 * SEGMENT), method="GET")
    else:
        tc.faults.add(Stall(1000), method="GET", nth=5, times=100)
    with preloaded.running(CHILD, stored, str(tmp_path / "copy"), str(connections)) as child:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob(".taskcluster-*.json")) and time.monotonic() < deadline:
            time.sleep(0.05)
    assert child.exitcode == -signal.SIGKILL
    assert not (tmp_path / "copy").exists()
    tc.faults.clear()
    tc.journal.clear()
    hook.download_object(stored, tmp_path / "copy", connections=connections)
    assert (tmp_path / "copy").read_bytes() == DATA
    assert fetched(tc) <= len(DATA) - 2 * SEGMENT
    assert list(tmp_path.iterdir()) == [tmp_path / "copy"]


def test_a_record_that_cannot_be_written_leaves_the_one_before_to_the_next_try(
    interrupted, connect, stored, tc, monkeypatch
):
    sink, hook = PathSink(interrupted), connect("tc_next_try")
    write = Directory.write

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    def stop():
        monkeypatch.setattr(Directory, "write", full)
        hook.stop()

    tc.faults.add(Stall(SEGMENT), method="GET", times=100)
    threading.Timer(0.7, stop).start()
    with pytest.raises(Interrupted) as caught:
        hook.download_object(stored, sink, connections=1)
    assert "could not be kept or removed: Cannot write" in caught.value.__notes__[0]
    monkeypatch.setattr(Directory, "write", write)
    tc.faults.clear()
    tc.journal.clear()
    offset = json.loads(partial(interrupted.parent)[".json"].read_text())["offset"]
    connect("tc_third_try").download_object(stored, interrupted, connections=1)
    assert interrupted.read_bytes() == DATA
    assert fetched(tc) == len(DATA) - offset


def test_the_requests_of_the_next_try_begin_where_the_record_ends(interrupted, hook, stored, tc):
    offset = json.loads(partial(interrupted.parent)[".json"].read_text())["offset"]
    hook.download_object(stored, interrupted, connections=1)
    (entry,) = gets(tc)
    assert re.fullmatch(rf"bytes={offset}-", entry.headers["range"])
    assert entry.headers["if-range"].startswith('"')

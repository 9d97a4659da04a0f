"""Downloads of multi-part objects that fail, and the next try with the partial files on disk."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import time

import pytest
from multipart_objects import PART, fetched, gets, left, place, upload_in_parts

from airflow_provider_taskcluster.emulator.store.faults import Cut, Stall, Status
from airflow_provider_taskcluster.exceptions import Interrupted, StoreError, TransferError

DATA = os.urandom(5 * PART + 100_000)


@pytest.fixture
def parts(hook, name, expires, tc):
    """The names of the parts of an object; nothing is in the journal."""
    found = upload_in_parts(hook, DATA, name, expires)
    tc.journal.clear()
    return found


@pytest.fixture
def stored(parts, name):
    return name


@pytest.fixture(params=[1, 4], ids=["one connection", "four connections"])
def connections(request):
    return request.param


class OnceRecorded:
    """No answer until so many bytes are written down in a folder, and then a 503."""

    def __init__(self, folder, count):
        self._folder = folder
        self._count = count

    async def answer(self, exchange):
        deadline = time.monotonic() + 30
        while offset(self._folder) < self._count and time.monotonic() < deadline:  # noqa: ASYNC110 (a file tells nobody)
            await asyncio.sleep(0.01)
        await Status(503).answer(exchange)


@pytest.fixture
def failed(connect, stored, parts, tc, tmp_path, connections):
    """A download to ``copy`` of which the fourth part would not come."""
    tc.faults.add(OnceRecorded(tmp_path, 3 * PART), method="GET", path=place(parts[3]), times=100)
    with pytest.raises(StoreError, match="503"):
        connect(extra={"max_retries": 1}).download_object(stored, tmp_path / "copy", connections=connections)
    tc.faults.clear()
    tc.journal.clear()
    return tmp_path / "copy"


def test_the_next_try_on_the_same_disk_fetches_the_missing_parts_alone(failed, hook, stored, parts, tc, connections):
    record = json.loads(left(failed.parent)[".json"].read_text())
    assert record["offset"] == 3 * PART
    assert "http" not in json.dumps(record)
    result = hook.download_object(stored, failed, connections=connections)
    assert failed.read_bytes() == DATA
    assert result.verified == "sha256"
    assert fetched(tc, parts) == [False, False, False, True, True, True]
    assert list(failed.parent.iterdir()) == [failed]


@pytest.mark.parametrize("at", [0, 2 * PART, 3 * PART - 1])
def test_parts_that_were_changed_on_the_disk_are_found_and_all_is_fetched_anew(failed, hook, stored, tc, caplog, at):
    with left(failed.parent)[".part"].open("r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))
    hook.download_object(stored, failed)
    assert failed.read_bytes() == DATA
    assert "fetching all of it anew" in caplog.text
    assert sum(entry.sent for entry in gets(tc)) >= len(DATA)
    assert list(failed.parent.iterdir()) == [failed]


@pytest.mark.parametrize("offset", [1, PART, 3 * PART - 1, 3 * PART + 1, 5 * PART])
def test_a_record_that_says_something_else_does_no_harm(failed, hook, stored, offset, connections):
    record = left(failed.parent)[".json"]
    record.write_text(json.dumps(json.loads(record.read_text()) | {"offset": offset}))
    hook.download_object(stored, failed, connections=connections)
    assert failed.read_bytes() == DATA


def test_what_is_all_there_is_not_fetched_again(failed, hook, stored, tc, connections):
    """A try that was killed between its last byte and the new name."""
    left(failed.parent)[".part"].write_bytes(DATA)
    record = left(failed.parent)[".json"]
    record.write_text(json.dumps(json.loads(record.read_text()) | {"offset": len(DATA)}))
    hook.download_object(stored, failed, connections=connections)
    assert failed.read_bytes() == DATA
    assert tc.journal.entries(path=".part-") == []


@pytest.mark.parametrize("damage", ["torn", "short", "gone"])
def test_what_cannot_be_used_is_void(failed, hook, stored, tc, damage):
    files = left(failed.parent)
    if damage == "torn":
        files[".json"].write_text("{torn")
    elif damage == "short":
        os.truncate(files[".part"], PART)
    else:
        files[".part"].unlink()
    hook.download_object(stored, failed)
    assert failed.read_bytes() == DATA
    assert list(failed.parent.iterdir()) == [failed]


def test_parts_of_another_upload_are_not_taken_for_these(failed, hook, name, stored, expires):
    other = os.urandom(len(DATA))
    hook.upload_object(other, f"{name}-other", expires=expires, multipart="always", part_size=PART)
    hook.download_object(f"{name}-other", failed)
    assert failed.read_bytes() == other


CHILD = """
import sys
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
TaskclusterHook("tc_test").download_object(sys.argv[1], sys.argv[2], connections=2)
"""


def test_a_process_that_is_killed_leaves_what_the_next_one_needs(hook, stored, parts, tc, tmp_path, preloaded):
    tc.faults.add(Stall(1000), method="GET", path=place(parts[4]))
    with preloaded.running(CHILD, stored, str(tmp_path / "copy")) as child:
        deadline = time.monotonic() + 60
        while offset(tmp_path) < 4 * PART and time.monotonic() < deadline:
            time.sleep(0.02)
    assert child.exitcode == -signal.SIGKILL
    assert not (tmp_path / "copy").exists()
    tc.faults.clear()
    tc.journal.clear()
    hook.download_object(stored, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == DATA
    assert fetched(tc, parts) == [False] * 4 + [True] * 2


def offset(folder):
    return max((json.loads(path.read_text())["offset"] for path in folder.glob(".taskcluster-*.json")), default=0)


def test_a_download_that_is_told_to_stop_ends_and_can_be_gone_on_with(connect, stored, parts, tc, tmp_path):
    hook = connect()
    tc.faults.add(Stall(1000), method="GET", path=place(parts[4]))
    threading.Timer(0.7, hook.stop).start()
    started = time.monotonic()
    with pytest.raises(Interrupted):
        hook.download_object(stored, tmp_path / "copy", connections=1)
    assert time.monotonic() - started < 5
    tc.journal.clear()
    connect().download_object(stored, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == DATA
    assert fetched(tc, parts) == [False] * 4 + [True] * 2


def test_an_error_of_one_part_ends_those_that_would_be_tried_again(connect, stored, parts, tc, tmp_path):
    hook = connect(extra={"max_retries": 1_000_000, "retry_seconds": 1_000_000})  # waits take no time here
    tc.faults.add(Status(503), method="GET", path=place(parts[0]), times=1_000_000)
    tc.faults.add(Status(404), method="GET", path=place(parts[1]), nth=1, times=100)
    with pytest.raises(TransferError, match="404"):
        hook.download_object(stored, tmp_path / "copy", connections=2)
    assert gets(tc, parts[5]) == [], "no new part was begun"


def test_progress_reaches_the_end_after_a_cut_and_of_what_was_there(failed, hook, stored, parts, tc):
    seen = []
    tc.faults.add(Cut(1000), method="GET", path=place(parts[4]))
    hook.download_object(stored, failed, on_progress=seen.append)
    assert (seen[-1].done, seen[-1].total, seen[-1].attempt) == (len(DATA), len(DATA), 2)

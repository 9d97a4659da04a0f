"""Multi-part uploads: scopes, existing objects, and ends."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import signal
import time
from dataclasses import dataclass
from datetime import timedelta

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout
from late_entries import at_least
from multipart_tries import ALL, DATA, IN_PARTS, PART, Tries, put, put_url, sent, temporary

from airflow_provider_taskcluster.common.retry import RetryPolicy
from airflow_provider_taskcluster.emulator.store.faults import Status
from airflow_provider_taskcluster.exceptions import Conflict, Interrupted, NotFound, StoreError
from airflow_provider_taskcluster.transfer.source.base import BytesSource, Source
from airflow_provider_taskcluster.transfer.upload.upload_id import random_upload_id

try:
    from airflow.sdk.execution_time.timeout import TimeoutPosix
except ImportError:  # Airflow 2
    from airflow.utils.timeout import TimeoutPosix

OTHER = os.urandom(len(DATA))


@pytest.fixture
def tries(connect, name, expires):
    return Tries(connect, name, expires)


def test_upload_scopes_are_enough_for_all_of_it(holding, hook, name, expires, tc):
    limited = holding(f"object:upload:tests:{name}", f"object:upload:tests:{name}.part-*")
    tc.faults.add(Status(400), method="PUT", nth=3, times=100)
    with pytest.raises(StoreError):
        limited.upload_object(DATA, name, expires=expires, connections=1, **IN_PARTS)
    tc.faults.clear()
    tc.journal.clear()
    assert not limited.upload_object(DATA, name, expires=expires, **IN_PARTS).already_present
    assert sorted(sent(tc)) == [2, 3, 4]
    assert limited.upload_object(DATA, name, expires=expires, **IN_PARTS).already_present
    assert hook.read_object(name) == DATA
    with pytest.raises(Conflict, match=f"with the scope object:download:{name} this could say which"):
        limited.upload_object(OTHER, name, expires=expires, **IN_PARTS)


@pytest.mark.parametrize("if_exists", ["verify", "skip"])
def test_a_finished_object_of_the_same_content_is_success(hook, name, expires, tc, if_exists):
    first = hook.upload_object(DATA, name, expires=expires, **IN_PARTS)
    again = hook.upload_object(DATA, name, expires=expires, if_exists=if_exists, **IN_PARTS)
    assert (again.already_present, again.digests, again.size) == (True, first.digests, len(DATA))


def test_a_finished_object_can_be_a_failure(hook, name, expires):
    hook.upload_object(DATA, name, expires=expires, **IN_PARTS)
    with pytest.raises(Conflict, match="The object exists, and if_exists is 'fail'"):
        hook.upload_object(DATA, name, expires=expires, if_exists="fail", **IN_PARTS)


@pytest.mark.parametrize("first", [IN_PARTS, {}], ids=["in parts", "in one piece"])
def test_skipping_other_content_does_not_claim_that_it_is_ours(hook, name, expires, first):
    hook.upload_object(OTHER, name, expires=expires, **first)
    result = hook.upload_object(DATA, name, expires=expires, if_exists="skip", **IN_PARTS)
    assert result.already_present
    assert result.digests == hook.object_metadata(name)["hashes"]
    assert hook.read_object(name) == OTHER


def test_an_own_upload_id_is_taken_up_again(hook, name, expires, tc):
    own = random_upload_id()
    tc.faults.add(Status(400), method="PUT", nth=3, times=100)
    with pytest.raises(StoreError):
        hook.upload_object(DATA, name, expires=expires, upload_id=own, connections=1, **IN_PARTS)
    tc.faults.clear()
    tc.journal.clear()
    hook.upload_object(DATA, name, expires=expires, upload_id=own, connections=1, **IN_PARTS)
    assert sent(tc) == [2, 3, 4]
    assert hook.read_object(name) == DATA


@pytest.mark.parametrize("options", [{"expires": timedelta(hours=1)}, {"project_id": "other"}], ids=str)
def test_an_upload_that_was_never_sent_is_not_taken_for_a_finished_one(hook, name, expires, options):
    """An own id under another expiry: a conflict from createUpload, but finishUpload would take it."""
    own, digest = random_upload_id(), hashlib.sha256(DATA).hexdigest()
    hook.create_upload(
        name,
        upload_id=own,
        expires=expires + options.get("expires", timedelta()),
        project_id=options.get("project_id"),
        hashes={"sha256": digest},
        proposed_upload_methods=put_url(len(DATA)),
    )
    with pytest.raises(Conflict, match="unfinished upload"):
        hook.upload_object(DATA, name, expires=expires, upload_id=own)
    with pytest.raises(NotFound):
        hook.object_metadata(name)


@pytest.mark.parametrize("status", [400, 403])
def test_a_fatal_error_of_a_part_starts_no_new_one(hook, name, expires, tc, status):
    tc.faults.add(Status(status), method="PUT", nth=2, times=100)
    with pytest.raises(StoreError, match=str(status)):
        hook.upload_object(DATA, name, expires=expires, connections=1, **IN_PARTS)
    assert set(sent(tc)) == {0, 1}
    assert len(tc.journal.entries(path=f"{name.partition('/')[2]}")) < 8
    tc.faults.clear()
    tc.journal.clear()
    hook.upload_object(DATA, name, expires=expires, connections=1, **IN_PARTS)
    assert sent(tc) == ALL[1:]
    assert hook.read_object(name) == DATA


class Slow(Source):
    """All but its first part is read slowly."""

    description = "slow bytes"

    def __init__(self, data):
        self._data = data

    def open(self):
        return io.BytesIO(self._data)

    def length(self):
        return len(self._data)

    def section(self, offset, size):
        piece = self._data[offset : offset + size]
        return SlowSection(piece) if offset else BytesSource(piece)


class SlowSection(BytesSource):
    def open(self):
        reader = super().open()
        read = reader.read

        class Reader:
            def read(self, size):
                time.sleep(0.05)
                return read(min(size, 1000))

        return Reader()


@dataclass(frozen=True)
class After:
    """A fault that strikes when something has happened, and so many seconds later."""

    event: asyncio.Event
    fault: Status
    seconds: float = 0.0

    async def answer(self, exchange):
        await self.event.wait()
        await asyncio.sleep(self.seconds)
        await self.fault.answer(exchange)


def test_a_fatal_error_ends_the_other_parts_at_once(tries, hook, name, expires, tc, no_waiting):
    """They do not take it for an error of theirs, which they could try again."""
    first, second = (tc.store.blobs.path("objects", part.name) for part in tries.leave(DATA, []).manifest.parts[:2])
    begun = asyncio.Event()

    class Begun:
        async def answer(self, exchange):
            begun.set()
            await exchange.store_answers(exchange.send)

    tc.faults.add(After(begun, Status(403)), method="PUT", path=first, times=100)
    tc.faults.add(Begun(), method="PUT", path=second)
    started = time.monotonic()
    with pytest.raises(StoreError, match="403") as raised:
        hook.upload_object(Slow(DATA), name, expires=expires, connections=2, **IN_PARTS)
    assert time.monotonic() - started < 2
    assert not raised.value.transient
    assert sorted(at_least(3, lambda: sent(tc))) == [0, 0, 1]
    assert len(no_waiting) == 1  # the first part asks for another grant, once


def test_a_fatal_error_ends_the_waiting_of_the_other_parts(tries, hook, name, expires, tc, monkeypatch):
    """One has been told to come back later, when the other fails for good."""
    monkeypatch.setattr(RetryPolicy, "wait_seconds", lambda *_: 30.0)
    first, second = (tc.store.blobs.path("objects", part.name) for part in tries.leave(DATA, []).manifest.parts[:2])

    busy = asyncio.Event()

    class Busy:
        async def answer(self, exchange):
            await Status(503).answer(exchange)
            busy.set()

    tc.faults.add(After(busy, Status(400), seconds=0.5), method="PUT", path=first)
    tc.faults.add(Busy(), method="PUT", path=second, times=100)
    started = time.monotonic()
    with pytest.raises(StoreError, match="400"):
        hook.upload_object(DATA, name, expires=expires, **{**IN_PARTS, "connections": 2})
    assert time.monotonic() - started < 10
    assert len(tc.journal.entries(path=second)) == 1


@pytest.mark.parametrize("connections", [1, 2])
def test_a_task_that_is_told_to_stop_leaves_what_the_next_try_needs(connect, name, expires, tmp_path, tc, connections):
    hook = temporary(connect, 1)

    class Stop:
        async def answer(self, exchange):
            hook.stop()
            await Status(503).answer(exchange)

    tc.faults.add(Stop(), method="PUT", nth=3)
    options = {**IN_PARTS, "connections": connections, "recorder": tmp_path / "records"}
    with pytest.raises(Interrupted, match="told to stop"):
        hook.upload_object(DATA, name, expires=expires, **options)
    assert len(list((tmp_path / "records").iterdir())) == 2
    tc.faults.clear()
    there = {n for n in put(tc) if is_there(connect(), n)}
    assert there
    tc.journal.clear()
    temporary(connect, 2).upload_object(DATA, name, expires=expires, **options)
    assert not there & set(put(tc))
    assert connect().read_object(name) == DATA
    assert list((tmp_path / "records").iterdir()) == []


@pytest.mark.parametrize("connections", [1, 2])
@pytest.mark.parametrize("key", ["random key", "stable key"])
def test_a_task_that_ran_too_long_leaves_what_the_next_try_needs(
    connect, name, expires, tmp_path, tc, connections, key
):
    """As under an ``execution_timeout``: Airflow's own handler raises wherever the task is."""

    class Late:
        async def answer(self, exchange):
            os.kill(os.getpid(), signal.SIGALRM)
            await asyncio.sleep(0.5)
            await Status(400).answer(exchange)

    tries = Tries(connect, name, expires, temporary=key == "random key", folder=tmp_path / "records")
    tc.faults.add(Late(), method="PUT", nth=3)
    with pytest.raises(AirflowTaskTimeout), TimeoutPosix(600):
        tries.upload(DATA, connections=connections)
    assert len(tries.records) == (2 if key == "random key" else 1)
    tc.faults.clear()
    hook = connect()
    there = {n for n in put(tc) if is_there(hook, n)}
    assert there
    tc.journal.clear()
    tries.upload(DATA, connections=connections, part_size=2 * PART)  # the recorded size is used on
    assert set(sent(tc)) == set(ALL) - {int(n.rpartition("-")[2]) for n in there}
    assert hook.read_object(name) == DATA
    assert tries.records == []


def is_there(hook, name):
    try:
        hook.object_metadata(name)
    except NotFound:
        return False
    return True


def test_a_task_that_is_told_to_stop_sends_no_more_small_parts_either(connect, name, expires, tc):
    hook = connect()

    def stop(*_):
        hook.stop()

    tc.observers.append(stop)
    try:
        with pytest.raises(Interrupted, match="told to stop"):
            hook.upload_object(DATA[:20_000], name, expires=expires, multipart="always", part_size=4096, connections=1)
    finally:
        tc.observers.remove(stop)
    assert len(tc.journal.entries(path="/upload/")) == 1

"""Concurrent, late and stopped uploads under one name never produce a mixed object."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from multipart_tries import DATA, IN_PARTS, Tries, put_url, temporary

from airflow_provider_taskcluster.emulator.store.faults import Status
from airflow_provider_taskcluster.exceptions import Conflict, NotFound, SourceChanged
from airflow_provider_taskcluster.hooks.sync_services import EngineServices
from airflow_provider_taskcluster.transfer.source.base import Source
from airflow_provider_taskcluster.transfer.upload.upload_id import random_upload_id

OTHER = os.urandom(len(DATA))


@pytest.fixture
def tries(connect, name, expires):
    return Tries(connect, name, expires)


def outcome(act):
    try:
        return act()
    except Conflict as conflict:
        return conflict


def at_once(hooks, contents, name, expires, **options):
    """Upload under one name at the same time; return the results, or the conflicts."""
    meeting = threading.Barrier(len(hooks))

    def upload(hook, content):
        hook.ping()
        meeting.wait()
        return outcome(lambda: hook.upload_object(content, name, expires=expires, **options))

    with ThreadPoolExecutor(len(hooks)) as pool:
        return list(pool.map(upload, hooks, contents))


@pytest.mark.parametrize("connections", [1, 3])
def test_two_tries_of_one_upload_at_once_both_succeed(connect, name, expires, connections):
    hooks = [connect("tc_one"), connect("tc_two")]
    results = at_once(hooks, [DATA, DATA], name, expires, connections=connections, **IN_PARTS)
    assert [result.digests["sha256"] for result in results] == [hashlib.sha256(DATA).hexdigest()] * 2
    assert connect().read_object(name) == DATA


@pytest.mark.parametrize("connections", [1, 3])
@pytest.mark.parametrize("options", [IN_PARTS, {}], ids=["in parts", "in one piece"])
def test_the_same_content_at_once_under_other_ids_ends_with_that_content(connect, name, expires, connections, options):
    """One finishes, or each holds a part of the other, and a later try has to wait for neither."""
    hooks = [temporary(connect, number) for number in range(2)]
    results = at_once(hooks, [DATA, DATA], name, expires, connections=connections, **options)
    finished = [result for result in results if not isinstance(result, Conflict)]
    if finished:
        assert connect().read_object(name) == DATA
    else:
        assert all("or of somebody else," in str(result) for result in results)
        with pytest.raises(NotFound):
            connect().read_object(name)


@pytest.mark.parametrize("connections", [1, 3])
@pytest.mark.parametrize("options", [IN_PARTS, {}], ids=["in parts", "in one piece"])
def test_of_two_contents_at_once_one_wins_and_the_other_is_a_conflict(connect, name, expires, connections, options):
    hooks = [connect("tc_one"), connect("tc_two")]
    results = at_once(hooks, [DATA, OTHER], name, expires, connections=connections, **options)
    assert sorted(isinstance(result, Conflict) for result in results) == [False, True]
    winner = DATA if isinstance(results[1], Conflict) else OTHER
    assert connect().read_object(name) == winner


def test_the_same_content_that_somebody_finishes_just_now_is_no_conflict(hook, name, expires, monkeypatch):
    own, digest = random_upload_id(), hashlib.sha256(DATA).hexdigest()
    hashes = {"sha256": digest}
    wish = put_url(len(DATA))
    grant = hook.create_upload(name, upload_id=own, expires=expires, hashes=hashes, proposed_upload_methods=wish)
    late(grant, DATA)
    metadata = EngineServices.object_metadata

    def finished_just_before(self, name):
        hook.finish_upload(name, upload_id=own, hashes=hashes)
        return metadata(self, name)

    monkeypatch.setattr(EngineServices, "object_metadata", finished_just_before)
    assert hook.upload_object(DATA, name, expires=expires).already_present
    assert hook.read_object(name) == DATA


def test_what_somebody_finishes_between_two_looks_is_not_taken_for_expired(hook, name, expires, monkeypatch):
    own, digest = random_upload_id(), hashlib.sha256(DATA).hexdigest()
    hashes = {"sha256": digest}
    wish = put_url(len(DATA))
    late(hook.create_upload(name, upload_id=own, expires=expires, hashes=hashes, proposed_upload_methods=wish), DATA)
    metadata, looks = EngineServices.object_metadata, []

    def finished_just_after(self, name):
        looks.append(name)
        try:
            return metadata(self, name)
        finally:
            hook.finish_upload(name, upload_id=own, hashes=hashes)

    monkeypatch.setattr(EngineServices, "object_metadata", finished_just_after)
    assert hook.upload_object(DATA, name, expires=expires).already_present
    assert len(looks) == 2


def late(grant, data):
    """Make the PUT of an old try."""
    granted = grant["uploadMethod"]["putUrl"]
    assert requests.put(granted["url"], data=data, headers=granted["headers"], timeout=10).status_code == 200


def granted(hook, old, part, expires):
    """Ask for the PUT of a part that an old try has not sent."""
    return hook.create_upload(
        part.name,
        upload_id=old.target.identity.upload_id(part.name, part.sha256),
        expires=expires,
        hashes={"sha256": part.sha256},
        proposed_upload_methods=put_url(part.size),
    )


def test_a_late_put_of_an_old_try_does_not_touch_an_upload_of_other_bytes(tries, hook, tmp_path, expires):
    file = tmp_path / "source"
    file.write_bytes(DATA)
    old = tries.leave(file, [0, 1])
    part = old.manifest.parts[2]
    grant = granted(hook, old, part, expires)
    file.write_bytes(OTHER)
    tries.upload(file)
    late(grant, DATA[part.offset : part.offset + part.size])
    assert tries.content() == OTHER


def test_a_late_put_of_the_same_bytes_changes_nothing(tries, hook, expires):
    old = tries.leave(DATA, [0, 1])
    part = old.manifest.parts[2]
    grant = granted(hook, old, part, expires)
    tries.upload(DATA)
    late(grant, DATA[part.offset : part.offset + part.size])
    assert tries.content() == DATA


def test_in_one_piece_other_bytes_get_no_url_while_an_old_try_may_come_late(tries, hook, name, expires):
    identity = hook._identity(name, None, expires, None, None)
    digest = hashlib.sha256(DATA).hexdigest()
    identity.begin(len(DATA), digest)
    grant = hook.create_upload(
        name,
        upload_id=identity.upload_id(name, digest),
        expires=expires,
        hashes={"sha256": digest},
        proposed_upload_methods=put_url(len(DATA)),
    )
    with pytest.raises(Conflict, match="or of somebody else, holds the name"):
        hook.upload_object(OTHER, name, expires=expires, content_type="application/octet-stream")
    hook.upload_object(DATA, name, expires=expires, content_type="application/octet-stream")
    late(grant, DATA)
    assert hook.read_object(name) == DATA


class Pieces:
    """Gives out one piece with each read."""

    def __init__(self, pieces):
        self._pieces = pieces

    def read(self, size):
        return next(self._pieces, b"")


class Stale(Source):
    """Bytes that change after they were hashed, while the first of them are already on their way."""

    description = "bytes that change"

    def __init__(self, data, before=None):
        self.on_its_way, self.other_done = before or (threading.Event(), threading.Event())
        self._data = data
        self._sending = before is not None

    def open(self):
        if self._sending:
            return Pieces(self.pieces())
        self._sending = True
        return io.BytesIO(self._data)

    def length(self):
        return len(self._data)

    def section(self, offset, size):
        return Stale(self._data[offset : offset + size], (self.on_its_way, self.other_done))

    def pieces(self):
        """The bytes as they are sent."""
        yield self._data[:1000]
        self.on_its_way.set()
        assert self.other_done.wait(20)
        yield OTHER[1000 : len(self._data)]


@pytest.mark.parametrize("options", [IN_PARTS, {}], ids=["in parts", "in one piece"])
def test_a_try_whose_source_changes_on_the_way_cannot_spoil_what_another_has_finished(connect, name, expires, options):
    """It is under the same id, and late: its bytes are checked before the last of them leaves."""
    source = Stale(DATA)
    with ThreadPoolExecutor(1) as pool:
        stale = pool.submit(connect("tc_stale").upload_object, source, name, expires=expires, connections=1, **options)
        assert source.on_its_way.wait(20)
        connect("tc_fresh").upload_object(DATA, name, expires=expires, **options)
        source.other_done.set()
        with pytest.raises(SourceChanged):
            stale.result()
    assert connect().read_object(name) == DATA


def test_a_grant_that_runs_out_while_another_try_finishes_is_no_conflict(connect, name, expires, tc):
    """The service has no more grants for it then, and says so with a conflict."""
    other = connect("tc_other")

    class Late:
        async def answer(self, exchange):
            tc.faults.clear()
            await asyncio.to_thread(finish)
            tc.clock.advance(hours=1)
            await Status(503).answer(exchange)

    def finish():
        other.upload_object(DATA, name, expires=expires)

    tc.faults.add(Late(), method="PUT")
    assert connect().upload_object(DATA, name, expires=expires).already_present
    assert connect().read_object(name) == DATA

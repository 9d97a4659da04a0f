"""Multi-part uploads under an existing name compare its content before they send a part."""

from __future__ import annotations

import hashlib
import io
import os
from datetime import UTC, datetime, timedelta

import pytest
from multipart_objects import upload_manifest
from multipart_tries import ALL, DATA, IN_PARTS, PART, PART_OF, Tries, sent

from airflow_provider_taskcluster.emulator.store.faults import Status
from airflow_provider_taskcluster.exceptions import Conflict, StoreError

OTHER = os.urandom(len(DATA))
AN_HOUR = timedelta(hours=1)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def calls(tc):
    """Calls of the object service: the route, and the number of the part or None."""
    paths = [entry.path.split("/v1/")[1].partition("/") for entry in tc.journal.entries(origin="api")]
    numbers = [PART_OF.search(name) for _, _, name in paths]
    return [(route, number and int(number[2])) for (route, _, _), number in zip(paths, numbers, strict=True)]


def created(tc):
    """What uploads were begun."""
    return [call for call in calls(tc) if call[0] == "upload"]


class Pipe(io.RawIOBase):
    """A stream that cannot seek."""

    def __init__(self, data):
        self._data = io.BytesIO(data)

    def readable(self):
        return True

    def read(self, size=-1):
        return self._data.read(size)


SOURCES = {"bytes": lambda data: data, "factory": lambda data: lambda: io.BytesIO(data), "stream": Pipe}
OTHERWISE = {"part_size": 2 * PART}, {"content_type": "text/x-other"}, {"expires": AN_HOUR}, {"multipart": "never"}
all_sources = pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)


@all_sources
@pytest.mark.parametrize("if_exists", ["verify", "skip"])
@pytest.mark.parametrize("first", OTHERWISE, ids=str)
def test_the_same_content_is_success_however_it_came_there(hook, name, expires, tc, source, if_exists, first):
    """Under another part size, content type or expiry it is another manifest; in one piece it is none."""
    then = expires - first.get("expires", timedelta())
    hook.upload_object(DATA, name, **{**IN_PARTS, **first, "expires": then})
    tc.journal.clear()
    told = []
    again = hook.upload_object(
        source(DATA), name, expires=expires, if_exists=if_exists, on_progress=told.append, **IN_PARTS
    )
    assert (again.already_present, again.digests, again.size) == (True, {"sha256": sha256(DATA)}, len(DATA))
    assert (again.verified, again.method) == ("sha256", "already there" if "multipart" in first else "multipart")
    assert (told[-1].done, told[-1].total) == (len(DATA), len(DATA))
    assert created(tc) == []
    assert hook.read_object(name) == DATA


@all_sources
@pytest.mark.parametrize("first", [IN_PARTS, {}], ids=["in parts", "in one piece"])
def test_other_content_is_a_conflict_before_anything_is_sent(hook, name, expires, tc, source, first):
    hook.upload_object(OTHER, name, expires=expires, **first)
    tc.journal.clear()
    both = rf"no part was sent.*other content \(sha256 {sha256(OTHER)}, and yours is {sha256(DATA)}\)"
    with pytest.raises(Conflict, match=both):
        hook.upload_object(source(DATA), name, expires=expires, **IN_PARTS)
    assert created(tc) == []


@all_sources
@pytest.mark.parametrize("first", [IN_PARTS, {}], ids=["in parts", "in one piece"])
def test_what_is_skipped_is_not_sent(hook, name, expires, tc, source, first):
    hook.upload_object(OTHER, name, expires=expires, **first)
    tc.journal.clear()
    result = hook.upload_object(source(DATA), name, expires=expires, if_exists="skip", **IN_PARTS)
    assert (result.already_present, result.verified, result.method) == (True, "none", "already there")
    assert result.digests == hook.object_metadata(name)["hashes"]
    assert created(tc) == []


@pytest.mark.parametrize("scopes", [["object:*"], ["object:upload:tests:*"]], ids=str)
def test_what_must_not_exist_is_refused_before_the_source_is_read(hook, holding, name, expires, tc, scopes):
    hook.upload_object(DATA, name, expires=expires, **IN_PARTS)
    tc.journal.clear()
    limited, opened = holding(*scopes), []
    with pytest.raises(Conflict, match="The object exists, and if_exists is 'fail'"):
        limited.upload_object(opened.append, name, expires=expires, if_exists="fail", **IN_PARTS)
    assert opened == []
    assert created(tc) == []


@pytest.mark.parametrize("if_exists", ["verify", "skip", "fail"])
@pytest.mark.parametrize("first", [IN_PARTS, {}], ids=["in parts", "in one piece"])
def test_what_is_past_its_expiry_is_not_there(hook, name, tc, if_exists, first):
    hook.upload_object(DATA, name, expires=datetime.now(UTC) + timedelta(minutes=30), **first)
    tc.clock.advance(hours=1)
    tc.journal.clear()
    later = datetime.now(UTC) + timedelta(days=3)
    with pytest.raises(Conflict, match="past its expiry and cannot be read any more"):
        hook.upload_object(DATA, name, expires=later, if_exists=if_exists, **IN_PARTS)
    assert created(tc) == []


def test_without_the_scope_to_look_the_manifest_decides(hook, holding, name, expires, tc):
    """What it made itself is found, all else is a conflict at the end."""
    limited = holding(f"object:upload:tests:{name}", f"object:upload:tests:{name}.part-*")
    hook.upload_object(DATA, name, expires=expires, **IN_PARTS)
    own = {"content_type": "application/octet-stream", **IN_PARTS}
    assert limited.upload_object(DATA, name, expires=expires, **own).already_present
    tc.journal.clear()
    both = f"(?s)with the scope object:download:{name} this could say which.* manifest of parts, .* {sha256(DATA)}"
    with pytest.raises(Conflict, match=both):
        limited.upload_object(DATA, name, expires=expires + AN_HOUR, **IN_PARTS)
    assert sorted(sent(tc)) == ALL


@pytest.mark.parametrize("manifest", [b"{}", b"no JSON"], ids=repr)
def test_a_manifest_that_is_not_to_be_trusted_is_other_content(hook, name, expires, tc, manifest):
    upload_manifest(hook, manifest, name, expires)
    tc.journal.clear()
    with pytest.raises(Conflict, match=rf"other content \(sha256 {sha256(manifest)}"):
        hook.upload_object(DATA, name, expires=expires, **IN_PARTS)
    assert created(tc) == []


def test_an_outage_is_not_taken_for_an_answer(hook, name, expires, tc):
    hook.upload_object(DATA, name, expires=expires, **IN_PARTS)
    tc.journal.clear()
    tc.faults.add(Status(503), method="GET", times=100)
    with pytest.raises(StoreError) as raised:
        hook.upload_object(DATA, name, expires=expires + AN_HOUR, **IN_PARTS)
    assert raised.value.transient
    assert created(tc) == []


def test_of_a_large_object_in_one_piece_only_the_beginning_is_fetched(hook, name, expires, tc):
    hook.upload_object(OTHER, name, expires=expires)
    tc.journal.clear()
    with pytest.raises(Conflict):
        hook.upload_object(DATA, name, expires=expires, **IN_PARTS)
    (looked,) = tc.journal.entries(origin="store")
    assert looked.headers["range"] == "bytes=0-0"


@pytest.mark.parametrize("if_exists", ["verify", "skip", "fail"])
def test_what_an_earlier_try_has_sent_is_taken_up_whatever_if_exists_says(connect, name, expires, tc, if_exists):
    """It is about the object, not about its parts. What is there costs two calls a part, and one for the whole."""
    tries = Tries(connect, name, expires)
    tries.leave(DATA, [0, 1, 3])
    tc.journal.clear()
    assert not tries.upload(DATA, if_exists=if_exists).already_present
    assert sent(tc) == [2, 4]
    twice = [(route, number) for number in ALL for route in ("upload", "finish-upload")]
    assert calls(tc) == [("finish-upload", None), *twice, ("upload", None), ("finish-upload", None)]
    assert tries.content() == DATA

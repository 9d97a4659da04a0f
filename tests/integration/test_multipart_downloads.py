"""Downloads of multi-part objects: hostile manifests, and failures of parts."""

from __future__ import annotations

import gzip
import os
import re
from dataclasses import replace
from urllib.parse import quote

import pytest
from multipart_objects import PART, digest, gets, own_part, part_of, place, starts, upload_in_parts, upload_manifest

from airflow_provider_taskcluster.emulator.store.faults import Corrupt, Cut, Headers, Longer, Short, Status
from airflow_provider_taskcluster.exceptions import (
    HashMismatch,
    InsufficientScopes,
    ManifestRefused,
    NotFound,
    TooLarge,
)
from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor
from airflow_provider_taskcluster.transfer.parts_manifest import CONTENT_TYPE, Manifest
from airflow_provider_taskcluster.transfer.sink.base import MemorySink

DATA = os.urandom(5 * PART + 100_000)


@pytest.fixture
def parts(hook, name, expires, tc):
    """The names of the parts of an object; nothing is in the journal."""
    found = upload_in_parts(hook, DATA, name, expires, content_type="text/x-test")
    tc.journal.clear()
    return found


@pytest.fixture
def stored(parts, name):
    return name


@pytest.fixture
def put(hook, expires):
    """Upload an ordinary object with the content type of a manifest."""
    return lambda name, manifest: upload_manifest(hook, manifest, name, expires)


@pytest.fixture(params=[1, 4], ids=["one connection", "four connections"])
def connections(request):
    return request.param


@pytest.fixture(params=["path", "memory", "writer"])
def fetch(request, hook, stored, tmp_path):
    """Download into a sink of each kind, and check the result."""

    def run(hook=hook, **options):
        sinks = {"path": tmp_path / "copy", "memory": MemorySink(), "writer": lambda: (tmp_path / "copy").open("wb")}
        result = hook.download_object(stored, sinks[request.param], **options)
        assert (result.content or (tmp_path / "copy").read_bytes()) == DATA
        assert (result.size, result.digests, result.verified) == (len(DATA), {"sha256": digest(DATA)}, "sha256")
        assert (result.content_type, result.method) == ("text/x-test", "multipart")
        assert len(list(tmp_path.iterdir())) <= 1, "nothing is left beside the file"
        return result

    return run


# What a stranger's manifest can do


@pytest.fixture
def secret(hook, name, expires):
    """Somebody else's object, which the reader may read and the stranger may not."""
    other = f"{name}-secret"
    hook.upload_object(DATA[:PART], other, expires=expires)
    return other


@pytest.mark.parametrize("kind", ["another name", "a longer name", "a way up"])
def test_a_manifest_that_names_somebody_else_s_object_is_refused_and_nothing_of_it_is_fetched(
    hook, put, name, secret, tc, tmp_path, kind
):
    named = {"another name": secret, "a longer name": f"{name}x.part-0f-0", "a way up": f"{name}.part-0f-0/../{secret}"}
    manifest = Manifest(PART, "text/plain", digest(DATA[:PART]), [part_of(named[kind], DATA[:PART])])
    put(name, manifest)
    tc.journal.clear()
    with pytest.raises(ManifestRefused, match="which is not one of its parts"):
        hook.download_object(name, tmp_path / "copy")
    assert gets(tc) == gets(tc, name), "the manifest itself"
    assert {entry.path.rpartition("/")[2] for entry in tc.journal.entries(origin="api")} == {quote(name, safe="")}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"{torn", b"[]", b"[" * 100_000, b'{"version": 2}', b"\xff" * 100_000], ids=len)
def test_a_broken_manifest_is_refused_and_can_be_looked_at(hook, put, name, tmp_path, data):
    put(name, data)
    with pytest.raises(ManifestRefused):
        hook.read_object(name)
    hook.download_object(name, tmp_path / "it", multipart_aware=False)
    assert (tmp_path / "it").read_bytes() == data


def test_a_manifest_over_the_limit_is_not_read(hook, put, name, monkeypatch):
    monkeypatch.setattr("airflow_provider_taskcluster.transfer.download.object.LARGEST_MANIFEST", 10_000)
    put(name, b" " * 10_001)
    with pytest.raises(TooLarge):
        hook.read_object(name)


def test_a_part_is_never_a_manifest_in_turn(hook, put, name, expires):
    """Else it could lead on, part by part, without end."""
    inner_name = own_part(name)
    deeper = own_part(inner_name)
    hook.upload_object(b"deep", deeper, expires=expires)
    inner = Manifest(4, "text/plain", digest(b"deep"), [part_of(deeper, b"deep")]).to_json()
    put(inner_name, inner)
    put(name, Manifest(len(inner), "text/plain", digest(inner), [part_of(inner_name, inner)]))
    assert hook.read_object(name) == inner


def test_the_sum_of_the_whole_is_checked_too(hook, put, name, expires, tmp_path):
    own = own_part(name)
    hook.upload_object(DATA, own, expires=expires)
    put(name, Manifest(len(DATA), "text/plain", digest(b"other"), [part_of(own, DATA)]))
    for sink in (tmp_path / "copy", MemorySink()):
        with pytest.raises(HashMismatch, match=f"{name!r} arrived with sha256"):
            hook.download_object(name, sink)
    assert list(tmp_path.iterdir()) == []


# Parts that go wrong


def test_a_part_that_is_missing_is_named(hook, put, name, expires, tmp_path):
    names = [own_part(name, number) for number in range(2)]
    hook.upload_object(DATA[:PART], names[0], expires=expires)
    both = [part_of(names[0], DATA[:PART]), part_of(names[1], DATA[PART : 2 * PART], PART)]
    put(name, Manifest(2 * PART, "text/plain", digest(DATA[: 2 * PART]), both))
    with pytest.raises(NotFound, match=re.escape(names[1])):
        hook.download_object(name, tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_the_scope_that_a_part_takes_is_named(stored, holding, tmp_path):
    narrow = holding(f"object:download:{stored}")
    with pytest.raises(InsufficientScopes, match=rf"the scope object:download:{stored}\.part-\*"):
        narrow.download_object(stored, tmp_path / "copy")
    wide = holding(f"object:download:{stored}", f"object:download:{stored}.part-*")
    assert wide.read_object(stored) == DATA


def test_wrong_bytes_behind_a_part_are_found(hook, stored, parts, tc, tmp_path):
    for sink in (tmp_path / "copy", MemorySink()):
        tc.faults.clear()
        tc.faults.add(Corrupt(1000), method="GET", path=place(parts[2]))
        with pytest.raises(HashMismatch, match=re.escape(parts[2])):
            hook.download_object(stored, sink)
    assert list(tmp_path.iterdir()) == []


def test_a_part_whose_sums_at_the_service_are_others_than_the_manifest_s_is_not_fetched(hook, put, name, expires, tc):
    own = own_part(name)
    hook.upload_object(DATA[1:], own, expires=expires)
    put(name, Manifest(len(DATA) - 1, "text/plain", digest(DATA[:-1]), [part_of(own, DATA[:-1])]))
    tc.journal.clear()
    with pytest.raises(HashMismatch, match=re.escape(own)):
        hook.read_object(name)
    assert gets(tc, own) == []


@pytest.mark.parametrize("fault", [Longer(5000), Short(5000)], ids=["longer", "shorter"])
def test_a_part_of_another_length_is_not_said_to_be_too_large(hook, stored, parts, tc, tmp_path, fault):
    tc.faults.add(fault, method="GET", path=place(parts[1]))
    with pytest.raises(HashMismatch, match=r"bytes, and the manifest says 300000: the stored bytes are not those"):
        hook.download_object(stored, tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


class Gzipped:
    """The right body, gzip-encoded."""

    async def answer(self, exchange):
        body = bytearray()
        head = {}

        async def send(message):
            head.update(message if message["type"] == "http.response.start" else {})
            body.extend(message.get("body", b""))
            if message["type"] == "http.response.body" and not message.get("more_body"):
                encoded = gzip.compress(bytes(body))
                changed = {b"content-length": str(len(encoded)).encode(), b"content-encoding": b"gzip"}
                kept = [(key, value) for key, value in head["headers"] if key.lower() not in changed]
                await exchange.send({**head, "headers": [*kept, *changed.items()]})
                await exchange.send({"type": "http.response.body", "body": encoded})

        await exchange.store_answers(send)


def test_a_part_whose_store_answers_with_gzip_is_decoded(fetch, parts, tc):
    tc.faults.add(Gzipped(), method="GET", path=place(parts[1]))
    fetch()


def test_a_gzip_part_that_holds_more_than_it_should_does_not_write_into_the_next(
    hook, put, name, expires, tmp_path, tc
):
    class Bomb(Gzipped):
        async def answer(self, exchange):
            async def app(scope, receive, send):
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": bytes(50_000_000)})

            await super().answer(replace(exchange, app=app))

    names = [own_part(name, number) for number in range(2)]
    pieces = [part_of(names[number], DATA[:PART], number * PART) for number in range(2)]
    for one in names:
        hook.upload_object(DATA[:PART], one, expires=expires)
    put(name, Manifest(2 * PART, "text/plain", digest(DATA[:PART] * 2), pieces))
    tc.faults.add(Bomb(), method="GET", path=place(names[0]))
    with pytest.raises(HashMismatch, match=re.escape(f"{names[0]!r} has more than the 300000 bytes")):
        hook.download_object(name, tmp_path / "copy")


# Parts that do not arrive at once


@pytest.mark.parametrize("after", [1, 123_456, PART - 1])
def test_a_part_that_is_cut_goes_on_from_its_last_byte(fetch, parts, tc, after):
    tc.faults.add(Cut(after), method="GET", path=place(parts[3]))
    assert fetch().attempts == 2
    assert starts(tc, parts[3]) == [None, after]
    assert gets(tc, parts[3])[1].headers["if-range"].startswith('"')
    assert all(len(gets(tc, part)) == 1 for part in parts if part != parts[3])


def test_a_part_that_begins_anew_after_a_cut_is_not_mixed(fetch, parts, tc):
    tc.faults.add(Cut(123_456), method="GET", path=place(parts[3]))
    tc.faults.add(Headers({"ETag": '"another"'}), method="GET", path=place(parts[3]), nth=2)
    fetch()
    assert starts(tc, parts[3]) == [None, 123_456, None]


def test_a_grant_of_a_part_that_ran_out_is_renewed(fetch, parts, tc):
    tc.faults.add(Status(403), method="GET", path=place(parts[1]))
    fetch()
    assert len(tc.journal.entries(origin="api", path=parts[1].rpartition("/")[2])) == 2


# Options, and what is not in parts


def test_more_than_is_allowed_is_refused_before_any_part(hook, stored, tc, tmp_path):
    with pytest.raises(TooLarge, match=f"more than the {len(DATA) - 1} bytes allowed: raise max_bytes"):
        hook.download_object(stored, tmp_path / "copy", max_bytes=len(DATA) - 1)
    with pytest.raises(TooLarge):
        hook.read_object(stored, max_bytes=len(DATA) - 1)
    assert tc.journal.entries(path=".part-") == []
    assert list(tmp_path.iterdir()) == []
    assert hook.read_object(stored, max_bytes=len(DATA)) == DATA


def test_progress_reaches_the_end(hook, stored, tmp_path, connections):
    seen = []
    hook.download_object(stored, tmp_path / "copy", connections=connections, on_progress=seen.append)
    assert (seen[-1].name, seen[-1].done, seen[-1].total, seen[-1].attempt) == (stored, len(DATA), len(DATA), 1)


@pytest.mark.parametrize("size", [3 * PART, 3 * PART + 1], ids=["by putUrl", "with a last part inline"])
def test_progress_of_an_upload_in_parts_reaches_the_end(hook, name, expires, size):
    seen = []
    for _ in range(2):  # the second finds them there
        hook.upload_object(
            DATA[:size], name, expires=expires, multipart="always", part_size=PART, on_progress=seen.append
        )
        assert (seen[-1].name, seen[-1].done, seen[-1].total) == (name, size, size)


def test_a_stream_ends_before_it_has_more_parts_than_a_manifest_may_have(hook, name, expires, monkeypatch):
    from airflow_provider_taskcluster.transfer.upload import resumable

    monkeypatch.setattr(resumable, "MOST_PARTS", 3)
    for size, error in ((3000, None), (3001, TooLarge)):
        receiver, sender = os.pipe()
        os.write(sender, DATA[:size])
        os.close(sender)
        options = {"expires": expires, "multipart": "always", "part_size": 1000}
        with os.fdopen(receiver, "rb") as stream:
            if error:
                with pytest.raises(error, match="more than 3 parts of 1000 bytes: upload it with a larger part_size"):
                    hook.upload_object(stream, f"{name}-{size}", **options)
            else:
                hook.upload_object(stream, f"{name}-{size}", **options)
                assert hook.read_object(f"{name}-{size}") == DATA[:size]


def test_an_object_that_is_there_with_other_content_is_told_as_what_it_is(hook, name, expires):
    there = hook.upload_object(b"other", name, expires=expires)
    result = hook.upload_object(DATA, name, expires=expires, multipart="always", part_size=PART, if_exists="skip")
    assert result.already_present
    assert (result.digests, result.verified) == (there.digests, "none")
    single = hook.upload_object(DATA, name, expires=expires, if_exists="skip")
    assert (single.digests, single.verified) == (there.digests, "none")


def test_the_sensor_sees_one_object_and_nothing_before_the_manifest(hook, put, name, expires):
    sensor = TaskclusterObjectSensor(task_id="wait", taskcluster_conn_id="tc_test", name=name)
    own = own_part(name)
    hook.upload_object(DATA, own, expires=expires)
    assert not sensor.poke({}).is_done, "parts are not the object"
    put(name, Manifest(len(DATA), "text/plain", digest(DATA), [part_of(own, DATA)]))
    result = sensor.poke({})
    assert result.is_done
    assert result.xcom_value["name"] == name


@pytest.mark.parametrize("storage_type", ["s3", "object"])
def test_an_artifact_is_given_as_it_is(hook, run, tmp_path, storage_type):
    """Its credentials hold for one name, so it cannot have parts."""
    own = own_part("public/a")
    manifest = Manifest(len(DATA), "text/plain", digest(DATA), [part_of(own, DATA)]).to_json()
    run.add("public/a", manifest, storage_type=storage_type, content_type=CONTENT_TYPE)
    result = hook.download_artifact(run.task_id, "public/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == hook.read_artifact(run.task_id, "public/a") == manifest
    assert result.content_type == CONTENT_TYPE

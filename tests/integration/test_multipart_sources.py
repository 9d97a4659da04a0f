"""Multi-part uploads with changed sources, or names that cannot have parts, create no object."""

from __future__ import annotations

import asyncio
import io
import json
import os

import pytest
from multipart_tries import ALL, DATA, IN_PARTS, PART, Tries, sent

from airflow_provider_taskcluster.emulator.store.faults import Status
from airflow_provider_taskcluster.exceptions import InvalidName, NotFound, SourceChanged
from airflow_provider_taskcluster.transfer.sink.base import MemorySink
from airflow_provider_taskcluster.transfer.source.base import Source
from airflow_provider_taskcluster.transfer.upload import measure as measuring
from airflow_provider_taskcluster.transfer.upload import parts

MORE = b"more lines\n" * 1000
serial_or_not = pytest.mark.parametrize("connections", [1, 3])


def assert_no_object(hook, name):
    with pytest.raises(NotFound):
        hook.object_metadata(name)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def grows_on_the_way(tc, file):
    """Have the file grow when the service first says yes."""

    def grow(*_):
        tc.observers.remove(grow)
        with file.open("ab") as opened:
            opened.write(MORE)

    def begin():
        tc.observers.append(grow)

    yield begin
    assert tc.observers == []


@serial_or_not
@pytest.mark.parametrize("kind", ["path", "open file"])
def test_a_file_that_grows_while_it_goes_up_is_not_finished_without_its_end(
    hook, name, expires, file, grows_on_the_way, kind, connections
):
    grows_on_the_way()
    with file.open("rb") as opened:
        source, why = (file, "changed its length") if kind == "path" else (opened, "has grown")
        with pytest.raises(SourceChanged, match=why):
            hook.upload_object(source, name, expires=expires, **{**IN_PARTS, "connections": connections})
    assert_no_object(hook, name)
    hook.upload_object(file, name, expires=expires, **IN_PARTS)
    assert hook.read_object(name) == DATA + MORE


@serial_or_not
def test_a_file_that_grows_while_what_is_there_is_hashed_is_not_finished_either(
    connect, name, expires, file, tc, grows_on_the_way, connections
):
    tries = Tries(connect, name, expires)
    tries.leave(file, ALL)
    tc.journal.clear()
    grows_on_the_way()
    with pytest.raises(SourceChanged, match="changed its length"):
        tries.upload(file, connections=connections)
    assert sent(tc) == []
    assert_no_object(connect(), name)


@serial_or_not
def test_readers_of_a_factory_that_have_grown_are_not_finished(hook, name, expires, connections):
    readers = iter([DATA])  # the sums of its parts
    options = {**IN_PARTS, "connections": connections, "content_type": "text/plain"}
    with pytest.raises(SourceChanged, match="has grown while it was uploaded"):
        hook.upload_object(lambda: io.BytesIO(next(readers, DATA + MORE)), name, expires=expires, **options)
    assert_no_object(hook, name)


class Counted:
    """A factory of readers that counts how often it was read to its end."""

    def __init__(self, data=DATA):
        self.data, self.times = data, 0

    def __call__(self):
        self.times += 1
        return io.BytesIO(self.data)


@pytest.mark.parametrize(
    ("options", "times"),
    [
        ({}, 2),
        ({"multipart": "auto", "multipart_threshold": 1}, 3),
        ({"part_size": lambda total: total // 4}, 3),
        ({"part_size": None}, 2),
        ({"multipart": "auto", "multipart_threshold": 1, "part_size": lambda total: total // 4}, 3),
    ],
    ids=["in parts", "if it is long", "size of parts by length", "default size", "both"],
)
def test_a_factory_is_read_no_oftener_than_needed(hook, name, expires, options, times):
    """Once for the sums of its parts, and to send them; before that, where its length decides what the parts are."""
    source = Counted()
    hook.upload_object(source, name, expires=expires, **{**IN_PARTS, **options})
    assert source.times == times
    assert hook.read_object(name) == DATA


@pytest.mark.parametrize(("options", "times"), [({}, 1), ({"multipart": "auto", "multipart_threshold": 1}, 1)])
def test_a_factory_of_what_is_there_is_read_once(hook, name, expires, options, times):
    hook.upload_object(DATA, name, expires=expires, **IN_PARTS)
    source = Counted()
    assert hook.upload_object(source, name, expires=expires, **{**IN_PARTS, **options}).already_present
    assert source.times == times


def test_a_factory_that_is_longer_than_so_many_parts_is_cut_anew(hook, name, expires, monkeypatch):
    monkeypatch.setattr(parts, "MOST_PARTS", 4)
    monkeypatch.setattr(measuring, "MOST_PARTS", 4)
    source = Counted()
    hook.upload_object(source, name, expires=expires, **{**IN_PARTS, "part_size": 1000})
    assert source.times == 3
    assert hook.read_object(name) == DATA
    manifest = json.loads(hook_bytes(hook, name))
    assert len(manifest["parts"]) <= 4


def hook_bytes(hook, name):
    """The manifest itself."""
    sink = MemorySink()
    hook.download_object(name, sink, multipart_aware=False)
    return sink.content()


LENGTH = len(DATA)


class Changing(Source):
    """Bytes that are others each time they are opened, down to the last ones given.

    :param said: How many there are said to be.
    """

    description = "bytes that change"

    def __init__(self, *contents, said=LENGTH):
        self._contents = list(contents)
        self._said = said

    def _now(self):
        return self._contents.pop(0) if len(self._contents) > 1 else self._contents[0]

    def open(self):
        return io.BytesIO(self._now())

    def length(self):
        return self._said

    def section(self, offset, size):
        return Changing(*(content[offset : offset + size] for content in self._contents), said=size)


@pytest.mark.parametrize("content", [DATA + MORE, DATA[:-1], b""], ids=["longer", "shorter", "empty"])
def test_what_is_not_as_long_as_it_was_is_refused_before_anything_is_sent(hook, name, expires, tc, content):
    with pytest.raises(SourceChanged, match="changed while it was read"):
        hook.upload_object(Changing(content), name, expires=expires, **IN_PARTS)
    assert tc.journal.entries(path="/upload/") == []


@serial_or_not
def test_parts_that_are_there_make_the_announced_content_whatever_the_source_has_now(
    connect, name, expires, tc, connections
):
    """The service has confirmed the announced sha256 of each part, so that no byte is read again."""
    tries = Tries(connect, name, expires)
    tries.leave(DATA, ALL)
    tc.journal.clear()
    other = DATA[: 2 * PART] + os.urandom(PART) + DATA[3 * PART :]
    tries.upload(Changing(DATA, other), connections=connections)
    assert sent(tc) == []
    assert connect().read_object(name) == DATA


class Untouched(io.RawIOBase):
    """A stream that must not be read."""

    def readable(self):
        return True

    def read(self, size=-1):
        raise AssertionError(size)


@pytest.mark.parametrize("kind", ["stream", "factory", "path"])
def test_a_name_that_is_too_long_for_parts_is_refused_before_anything_is_read_or_sent(
    hook, name, expires, tc, file, monkeypatch, kind
):
    room = 1024 - len(".part-") - 16 - len("-00000")
    longest = name.ljust(room, "n")
    source = {"stream": Untouched(), "factory": lambda: io.BufferedReader(Untouched()), "path": file}[kind]
    if kind == "path":
        monkeypatch.setattr(type(file), "open", Untouched)
    with pytest.raises(InvalidName, match=f"too long for an upload in parts.*: {room} characters are the most"):
        hook.upload_object(source, f"{longest}n", expires=expires, **IN_PARTS)
    assert tc.journal.entries(origin="api") == []  # the store may still tell of others
    monkeypatch.undo()


def test_the_longest_name_for_parts_can_have_them(connect, hook, name, expires):
    longest = name.ljust(1024 - len(".part-") - 16 - len("-00000"), "n")
    hook.upload_object(DATA, longest, expires=expires, **IN_PARTS)
    assert hook.read_object(longest) == DATA


def test_a_part_that_another_try_finishes_while_it_is_sent_counts_once(connect, name, expires, tc):
    """The grant runs out on the way; there are no more grants for what is finished."""
    other, told = connect("tc_other"), []

    class Late:
        async def answer(self, exchange):
            tc.faults.clear()
            await asyncio.to_thread(other.upload_object, DATA, name, expires=expires, **IN_PARTS)
            tc.clock.advance(hours=1)
            await Status(503).answer(exchange)

    tc.faults.add(Late(), method="PUT", nth=2)
    connect().upload_object(DATA, name, expires=expires, on_progress=told.append, **{**IN_PARTS, "connections": 1})
    assert (told[-1].done, told[-1].total) == (len(DATA), len(DATA))

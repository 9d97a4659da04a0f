"""Bodies that come in several answers of a store, without any sum: of one version, or not at all."""

from __future__ import annotations

import io
import os
import threading

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from raw_answers import answer, chunks, ranged, raw_answers

from airflow_provider_taskcluster.exceptions import (
    DestinationError,
    InvalidFraming,
    NotAsAnnounced,
    RangeMismatch,
    StoreError,
    TaskclusterError,
)
from airflow_provider_taskcluster.transfer import plan
from airflow_provider_taskcluster.transfer.sink import MemorySink
from airflow_provider_taskcluster.transfer.storage import StorageFile
from airflow_provider_taskcluster.transfer.storage_sink import StorageSink

# Enough for several ranges at once.
OLD = os.urandom(9 << 20)
NEW = os.urandom(9 << 20)
SHORT = OLD[:500_000]
VERSION = {
    "ETag": '"old"',
    "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT",
    "Content-Type": "application/zip",
}
# What tells the next version from the old one; None for a header that is left out.
CHANGES = [
    {"ETag": '"new"'},
    {"ETag": None},
    {"ETag": 'W/"old"'},
    {"Last-Modified": "Wed, 21 Oct 2015 07:28:01 GMT"},
    {"Content-Type": "text/html"},
    {"ETag": '"new"', "Last-Modified": None, "Content-Type": None},
]


def headers(changes=()):
    return [f"{name}: {value}" for name, value in {**VERSION, **dict(changes)}.items() if value is not None]


def serving(data, *said, **options):
    """Answer with these bytes and headers, see ``ranged``."""
    return lambda request: ranged(request, data, *said, **options)


@pytest.fixture
def referring(hook, run, expires):
    """Publish a server as an artifact; returns the arguments that name it."""

    def publish(served, name="public/a"):
        hook.create_reference_artifact(run.task_id, run.run_id, name, served.url, expires=expires)
        return {"task_id": run.task_id, "name": name, "run_id": run.run_id}

    return publish


def download(hook, artifact, destination):
    return hook.download_artifact(**artifact, destination=destination, allow_reference=True)


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_body_that_goes_on_as_another_version_is_started_over(hook, referring, change):
    first = serving(OLD, *headers(), cut=1_000_000)
    later = serving(NEW, *headers(change))
    with raw_answers(first, later) as served:
        result = download(hook, referring(served), MemorySink())
    assert result.content == NEW
    assert [b"Range:" in request for request in served.requests] == [False, True, False]


@pytest.fixture
def several_connections(monkeypatch):
    """One connection does not count as fast enough."""
    monkeypatch.setattr(plan, "FAST_ENOUGH", float("inf"))


@pytest.mark.usefixtures("several_connections")
@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_ranges_of_another_version_are_not_put_beside_those_of_the_first(hook, referring, tmp_path, change):
    first = serving(OLD, *headers())
    later = serving(NEW, *headers(change))
    with raw_answers(first, first, later) as served:
        result = download(hook, referring(served), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == NEW
    assert result.verified == "length"


@pytest.mark.parametrize("tag", ['"old"', 'W/"old"', None])
def test_a_206_may_leave_out_what_its_tag_implies(hook, referring, tag):
    """RFC 9110, 15.3.7: after If-Range it should not repeat the other headers."""
    first = serving(OLD, *headers({"ETag": tag}), cut=1_000_000)
    bare = {"ETag": tag, "Last-Modified": None, "Content-Type": None}
    with raw_answers(first, serving(OLD, *headers(bare))) as served:
        result = download(hook, referring(served), MemorySink())
    assert (result.content, result.content_type) == (OLD, "application/zip")
    assert len(served.requests) == 2


@pytest.mark.parametrize(
    ("said", "body", "verified"),
    [
        (["Transfer-Encoding: chunked"], chunks(OLD[:70_000], OLD[70_000:100_000]), "length"),
        (["Transfer-Encoding: Chunked", "Content-Length: 10"], chunks(OLD[:100_000]), "length"),
        (["Content-Length: 100000, 100000"], OLD[:100_000], "length"),
        ([], OLD[:100_000], "none"),
    ],
    ids=["chunks", "both", "twice", "neither"],
)
def test_the_result_says_whether_the_end_was_marked(hook, referring, tmp_path, said, body, verified):
    with raw_answers(answer(*said, "Connection: close", body=body)) as served:
        result = download(hook, referring(served), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == OLD[:100_000]
    assert (result.verified, result.size) == (verified, 100_000)


@pytest.mark.parametrize("header", ["Content-Length: 3000abc", "Content-Length: \xb2", "Transfer-Encoding: xchunked"])
def test_an_end_that_cannot_be_read_is_asked_for_again_and_nothing_is_kept(connect, referring, tmp_path, header):
    hook = connect(extra={"max_retries": 1})
    crooked = answer(header, "Connection: close", body=OLD[:1000])
    with raw_answers(crooked, serving(SHORT)) as served:
        assert download(hook, referring(served), tmp_path / "a").attempts == 2
    assert (tmp_path / "a").read_bytes() == SHORT
    with raw_answers(crooked) as served, pytest.raises(InvalidFraming):
        download(hook, referring(served, "public/b"), tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def read_at_random(hook, artifact):
    with hook.open_artifact(**artifact, allow_reference=True) as file:
        return file.body.read(0, 3 << 20) + file.body.read(3 << 20, file.body.size)


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_random_reads_do_not_go_on_with_another_version(connect, referring, change):
    first = serving(OLD, *headers())
    later = serving(NEW, *headers(change))
    with (
        raw_answers(first, first, later) as served,
        pytest.raises(RangeMismatch, match="is another one in the store than when it was opened"),
    ):
        read_at_random(connect(extra={"max_retries": 1}), referring(served))


def test_random_reads_pin_the_tag(hook, referring):
    with raw_answers(serving(OLD, *headers())) as served:
        assert read_at_random(hook, referring(served)) == OLD
    assert [b'\r\nIf-Range: "old"\r\n' in request for request in served.requests] == [False, True, True]


def test_random_reads_take_no_byte_behind_the_range_that_is_told(hook, referring):
    """The answer has more bytes than its Content-Range says, and they are others."""

    def longer(request):
        told = ranged(request, OLD, *headers(), most=1000)
        return told.replace(b"Content-Length: 1000", b"Content-Length: 5000") + bytes(4000)

    honest = serving(OLD, *headers())
    with raw_answers(longer, honest, longer, honest) as served:
        assert read_at_random(hook, referring(served)) == OLD


def test_random_reads_begin_anew_after_a_wrong_total_of_the_first_answer(hook, referring):
    small = OLD[:5000]
    lie = lambda request: ranged(request, small, *headers()).replace(b"/5000", b"/900000")  # noqa: E731
    with (
        raw_answers(lie, serving(small, *headers())) as served,
        hook.open_artifact(**referring(served), allow_reference=True) as file,
    ):
        assert (file.body.size, file.read()) == (5000, small)


def in_pieces(hook, artifact, tmp_path):
    download(hook, artifact, tmp_path / "a")
    return (tmp_path / "a").read_bytes()


def in_order(hook, artifact, _tmp_path):
    file = io.BytesIO()
    download(hook, artifact, file)
    return file.getvalue()


def at_random(hook, artifact, _tmp_path):
    return read_at_random(hook, artifact)


def as_payload(hook, artifact, tmp_path):
    payload = hook.open_payload(artifact["task_id"], artifact["run_id"], allow_reference=True)
    payload.download(tmp_path, files=1)
    return (tmp_path / "public/a").read_bytes()


def as_chunks(hook, artifact, _tmp_path):
    payload = hook.open_payload(artifact["task_id"], artifact["run_id"], allow_reference=True)
    return b"".join(chunk for _, chunk in payload.chunks())


@pytest.mark.usefixtures("several_connections")
@pytest.mark.parametrize("path", [in_pieces, in_order, at_random, as_payload, as_chunks], ids=lambda way: way.__name__)
def test_a_part_of_what_was_asked_for_is_progress(connect, referring, tmp_path, no_waiting, path):
    """It costs neither a wait nor a try."""
    first = serving(OLD, *headers(), most=1_100_000, cut=1_000_000)
    later = serving(OLD, *headers(), most=700_000)
    hook = connect(extra={"max_retries": 1})
    with raw_answers(first, later) as served:
        assert path(hook, referring(served), tmp_path) == OLD
    assert len(no_waiting) <= 1, "after the cut, and no other"
    assert len(served.requests) > 10


@pytest.mark.parametrize("path", [in_order, at_random], ids=lambda way: way.__name__)
def test_small_parts_between_failures_do_not_restore_the_budget_of_tries(connect, referring, tmp_path, path):
    busy = answer("Content-Length: 0", "Connection: close", status="503 Busy")
    turns = [serving(OLD, *headers(), most=1000), busy] * 100
    hook = connect(extra={"max_retries": 3})
    with (
        raw_answers(serving(OLD, *headers(), cut=100_000), *turns) as served,
        pytest.raises(StoreError, match="503"),
    ):
        path(hook, referring(served), tmp_path)
    assert len(served.requests) < 15


def factory(hook, artifact, tmp_path):
    download(hook, artifact, lambda: (tmp_path / "a").open("wb"))
    return (tmp_path / "a").read_bytes()


def larger_file(hook, artifact, tmp_path):
    (tmp_path / "a").write_bytes(OLD + OLD)
    with (tmp_path / "a").open("r+b") as file:
        download(hook, artifact, file)
    return (tmp_path / "a").read_bytes()


def storage(hook, artifact, _tmp_path):
    fs = MemoryFileSystem(skip_instance_cache=True)
    download(hook, artifact, StorageSink(StorageFile(fs, "/restarted", "memory://restarted")))
    return fs.cat_file("/restarted")


@pytest.mark.parametrize(
    "way", [in_pieces, in_order, as_payload, factory, larger_file, storage], ids=lambda way: way.__name__
)
def test_a_restart_that_is_shorter_leaves_nothing_of_what_was_longer(hook, referring, tmp_path, way):
    first = serving(OLD, *headers(), cut=1_000_000)
    later = serving(SHORT, *headers({"ETag": '"short"'}))
    with raw_answers(first, later) as served:
        assert way(hook, referring(served), tmp_path) == SHORT


def test_what_a_file_of_an_earlier_try_still_buffers_is_not_written_into_the_next(hook, referring, tmp_path):
    """A factory may hold on to the files that it has opened."""
    opened = []

    def factory():
        opened.append((tmp_path / "a").open("wb", buffering=1 << 20))
        return opened[-1]

    first = serving(OLD, *headers(), cut=900_000)
    later = serving(SHORT, *headers({"ETag": '"short"'}))
    with raw_answers(first, later) as served:
        download(hook, referring(served), factory)
    assert [file.closed for file in opened] == [True, True]
    assert (tmp_path / "a").read_bytes() == SHORT


@pytest.mark.parametrize("length", [0, 1, 500_000, 900_000])
def test_a_stream_that_begins_anew_and_ends_before_what_was_given_out_is_an_error(hook, referring, length):
    first = serving(OLD, *headers(), cut=1_000_000)
    later = serving(OLD[:length], *headers({"ETag": '"short"'}))
    given = []
    with raw_answers(first, later) as served:
        artifact = referring(served)
        payload = hook.open_payload(artifact["task_id"], artifact["run_id"], allow_reference=True)
        with pytest.raises(NotAsAnnounced, match="has changed in the store"):
            given.extend(chunk for _, chunk in payload.chunks(chunk_size=1000))
    assert OLD.startswith(b"".join(given))


def test_a_pipe_cannot_begin_anew(hook, referring):
    first = serving(OLD, *headers(), cut=50_000)
    later = serving(SHORT, *headers({"ETag": '"short"'}))
    reading, writing = os.pipe()
    received = []
    with os.fdopen(reading, "rb") as out, os.fdopen(writing, "wb") as into:
        reader = threading.Thread(target=lambda: received.append(out.read()))
        reader.start()
        with raw_answers(first, later) as served, pytest.raises(DestinationError, match="cannot begin again"):
            download(hook, referring(served), into)
        into.close()
        reader.join()
    assert OLD.startswith(received[0])


def test_a_file_that_is_read_through_fsspec_does_not_end_early(connect, filesystem, referring):
    connect(extra={"max_retries": 1})
    fs = filesystem(allow_reference=True)
    first = serving(OLD, *headers())
    later = serving(SHORT, *headers({"ETag": '"short"'}))
    with raw_answers(first, first, later) as served:
        artifact = referring(served)
        path = f"artifacts/{artifact['task_id']}/{artifact['run_id']}/{artifact['name']}"
        with fs.open(path, block_size=1 << 20) as file:
            given = [file.read(1 << 20)]
            with pytest.raises(TaskclusterError):
                given.extend(iter(lambda: file.read(1 << 20), b""))
    assert OLD.startswith(b"".join(given))


@pytest.mark.parametrize("spelled", [str.upper, str.title])
def test_schemes_in_capitals_are_the_same(connect, tc, run, expires, spelled):
    """Of the root URL, of a URL that a task chose, and of where that redirects to."""

    def capital(url):
        scheme, _, rest = url.partition("://")
        return f"{spelled(scheme)}://{rest}"

    hook = connect(host=capital(tc.root_url))
    with raw_answers(serving(SHORT)) as end:
        onward = answer(f"Location: {capital(end.url)}", "Content-Length: 0", status="302 Found")
        with raw_answers(onward) as begin:
            hook.create_reference_artifact(run.task_id, run.run_id, "public/a", capital(begin.url), expires=expires)
            assert hook.download_artifact(run.task_id, "public/a", MemorySink(), allow_reference=True).content == SHORT


def test_a_location_in_raw_utf8_is_followed(hook, referring):
    onward = answer(b"Location: /gr\xc3\xbc\xc3\x9fe.zip", "Content-Length: 0", "Connection: close", status="302 Found")
    with raw_answers(onward, serving(SHORT)) as served:
        assert download(hook, referring(served), MemorySink()).content == SHORT
    assert served.paths == ["/x", "/gr%C3%BC%C3%9Fe.zip"]

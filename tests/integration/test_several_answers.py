"""Bodies from several store responses, without hashes, are of one version or fail."""

from __future__ import annotations

import pytest
from raw_answers import answer, chunks, ranged, raw_answers
from served_versions import (
    NEW,
    OLD,
    SHORT,
    as_chunks,
    as_payload,
    at_random,
    download,
    headers,
    in_order,
    in_pieces,
    read_at_random,
    serving,
)

from airflow_provider_taskcluster.exceptions import InvalidFraming, RangeMismatch, StoreError
from airflow_provider_taskcluster.transfer.download import plan
from airflow_provider_taskcluster.transfer.sink.base import MemorySink

# What tells the next version from the old one; None for a header that is left out.
CHANGES = [
    {"ETag": '"new"'},
    {"ETag": None},
    {"ETag": 'W/"old"'},
    {"Last-Modified": "Wed, 21 Oct 2015 07:28:01 GMT"},
    {"Content-Type": "text/html"},
    {"ETag": '"new"', "Last-Modified": None, "Content-Type": None},
]


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


@pytest.mark.parametrize(
    ("said", "goes_on"),
    [
        ({"ETag": None, "Last-Modified": None}, False),
        ({"ETag": None}, True),
        ({"Last-Modified": None}, True),
        ({"ETag": 'W/"x"', "Last-Modified": None}, True),
    ],
    ids=str,
)
def test_a_body_without_length_goes_on_only_where_something_tells_its_version(hook, referring, said, goes_on):
    cut = chunks(OLD[:700_000], OLD[700_000:])[:500_000]
    first = answer(*headers(said), "Transfer-Encoding: chunked", "Connection: close", body=cut)
    with raw_answers(first, serving(OLD, *headers(said))) as served:
        assert download(hook, referring(served), MemorySink()).content == OLD
    assert [b"Range:" in request for request in served.requests] == [False, True, *([] if goes_on else [False])]


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

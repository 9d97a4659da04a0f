"""Interrupted downloads: where they resume, and when they start over."""

from __future__ import annotations

import os
import re
import time

import pytest

from airflow_provider_taskcluster.emulator.store.faults import (
    Both,
    Chunked,
    Corrupt,
    Cut,
    Drip,
    Headers,
    Ignore,
    Longer,
    NoLength,
    OtherRange,
    Reset,
    Short,
    Stall,
    Status,
    WrongRange,
)
from airflow_provider_taskcluster.exceptions import ConnectionFailed, HashMismatch, TransferError
from airflow_provider_taskcluster.transfer.sink.base import MemorySink

DATA = os.urandom(3_000_000)


@pytest.fixture
def stored(hook, name, expires, tc):
    hook.upload_object(DATA, name, expires=expires)
    tc.journal.clear()
    return name


def gets(tc):
    return tc.journal.entries(origin="store", method="GET")


def starts(tc):
    """Where each request began: None for one without a Range."""
    found = [re.match(r"bytes=(\d+)-", entry.headers.get("range", "")) for entry in gets(tc)]
    return [match and int(match[1]) for match in found]


@pytest.fixture(params=["path", "memory"])
def fetch(request, hook, stored, tmp_path):
    """Download the object into a sink of each kind; a path asks for ranges from the start."""

    def run(hook=hook):
        if request.param == "memory":
            result = hook.download_object(stored, MemorySink())
            assert result.content == DATA
        else:
            result = hook.download_object(stored, tmp_path / "copy")
            assert (tmp_path / "copy").read_bytes() == DATA
            assert len(list(tmp_path.iterdir())) == 1, "nothing is left beside the file"
        return result

    return run


@pytest.mark.parametrize("after", [1, 1_234_567, len(DATA) - 1])
def test_a_cut_body_goes_on_from_the_last_byte(fetch, tc, after):
    tc.faults.add(Cut(after), method="GET")
    assert fetch().attempts == 2
    assert starts(tc)[1:] == [after]
    assert gets(tc)[1].headers["if-range"].startswith('"')
    assert gets(tc)[1].status == 206
    assert gets(tc)[1].sent == len(DATA) - after


def test_a_reset_body_goes_on_from_the_last_byte_that_was_read(fetch, tc):
    """What had come but was not read yet is lost with the connection."""
    tc.faults.add(Reset(2_000_000), method="GET")
    fetch()
    assert 0 < starts(tc)[1] <= 2_000_000


@pytest.mark.parametrize("after", [1, 100_000, 2_000_000])
def test_a_stalled_body_goes_on_from_the_last_byte_after_the_read_timeout(fetch, connect, tc, after):
    tc.faults.add(Stall(after), method="GET")
    fetch(connect(extra={"read_timeout": 0.3}))
    assert starts(tc)[1:] == [after]


def test_a_body_that_stalls_again_and_again_comes_in_full(connect, stored, tc):
    tc.faults.add(Stall(200_000), method="GET", times=100)
    assert connect(extra={"read_timeout": 0.2, "max_retries": 1}).read_object(stored) == DATA
    assert starts(tc)[1:] == list(range(200_000, len(DATA), 200_000))


def test_a_slow_drip_never_times_out_and_has_no_limit_in_all(connect, hook, expires, name, tc):
    content = DATA[:40_000]
    hook.upload_object(content, name, expires=expires)
    tc.journal.clear()
    tc.faults.add(Drip(2_000, 0.06), method="GET")
    started = time.monotonic()
    assert connect(extra={"read_timeout": 0.5, "connect_timeout": 0.5, "max_retries": 0}).read_object(name) == content
    assert time.monotonic() - started > 1, "twice the time-out"
    assert len(gets(tc)) == 1


def test_a_200_in_the_place_of_a_206_starts_over(fetch, tc):
    tc.faults.add(Cut(1_000_000), method="GET")
    tc.faults.add(Ignore("range"), method="GET", nth=2)
    fetch()
    assert [entry.status for entry in gets(tc)][1:] == [200]


@pytest.mark.parametrize(
    "fault",
    [WrongRange(shift=1), WrongRange(shift=-2_000_000), WrongRange(total=7), WrongRange(total="*"),
     WrongRange(unit="lines"), Headers({"Content-Range": None}), Headers({"ETag": '"another"'})],
    ids=str,
)  # fmt: skip
def test_a_206_that_does_not_fit_starts_over(fetch, tc, fault):
    tc.faults.add(Cut(1_000_000), method="GET")
    tc.faults.add(fault, method="GET", nth=2)
    fetch()
    assert starts(tc)[2] is None


@pytest.mark.parametrize(
    "fault",
    [WrongRange(shift=1), WrongRange(total=7), WrongRange(total="*"), WrongRange(unit="lines"),
     Headers({"Content-Range": None})],
    ids=str,
)  # fmt: skip
def test_a_first_206_that_is_of_no_range_is_asked_for_whole(hook, stored, tc, tmp_path, fault):
    tc.faults.add(fault, method="GET")
    hook.download_object(stored, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == DATA
    assert starts(tc) == [0, None]


def test_a_206_that_begins_earlier_is_taken_from_where_it_matters(fetch, tc):
    tc.faults.add(Cut(1_000_000), method="GET")
    tc.faults.add(OtherRange(first=-1000), method="GET", nth=2)
    fetch()
    assert len(gets(tc)) == 2


@pytest.mark.parametrize("fault", [Longer(5000), Both(Longer(1), OtherRange(first=-10))], ids=str)
def test_more_bytes_than_asked_are_left_alone(fetch, tc, fault):
    tc.faults.add(Cut(1_000_000), method="GET")
    tc.faults.add(fault, method="GET", nth=2)
    fetch()
    assert len(gets(tc)) == 2


def test_fewer_bytes_than_asked_are_asked_for_again(fetch, tc):
    tc.faults.add(Cut(1_000_000), method="GET")
    tc.faults.add(Short(1000), method="GET", nth=2)
    fetch()
    assert starts(tc)[2] == len(DATA) - 1000


def test_a_416_on_the_way_starts_over(fetch, tc):
    tc.faults.add(Cut(1_000_000), method="GET")
    tc.faults.add(Status(416, {"Content-Range": "bytes */500"}), method="GET", nth=2)
    fetch()
    assert starts(tc)[2] is None


def test_a_chunked_body_is_taken(fetch, tc):
    tc.faults.add(Chunked(), method="GET")
    fetch()


def test_a_chunked_body_that_is_cut_goes_on(fetch, tc):
    tc.faults.add(Both(Cut(1_000_000), Chunked()), method="GET", nth=1)
    fetch()
    assert len(gets(tc)) == 2


def test_an_object_that_was_replaced_on_the_way_is_never_mixed(hook, stored, tc, tmp_path):
    """A putUrl goes on working after finishUpload: the ETag tells, and then the hash."""
    tc.faults.add(Cut(1_000_000), method="GET")
    tc.faults.add(Both(Corrupt(2_000_000), Ignore("range")), method="GET", nth=2)
    with pytest.raises(HashMismatch):
        hook.download_object(stored, tmp_path / "copy")
    assert not list(tmp_path.iterdir())


def test_the_budget_of_retries_is_restored_by_progress(fetch, connect, tc):
    tc.faults.add(Cut(200_000), method="GET", times=14)
    assert fetch(connect(extra={"max_retries": 1})).attempts == 15


def test_the_budget_of_retries_ends_without_progress(connect, stored, tc):
    tc.faults.add(Cut(100), method="GET", times=100)
    with pytest.raises(TransferError):
        connect(extra={"max_retries": 3}).read_object(stored)
    assert len(gets(tc)) == 4


@pytest.mark.parametrize("after", [10, 50_000, 99_000])
def test_a_gzip_body_goes_on_with_its_encoded_bytes(hook, run, tc, tmp_path, after):
    content = b"".join(b"%d squared is %d\n" % (n, n * n) for n in range(20_000))
    run.add("public/g", content, storage_type="s3", gzipped=True)
    tc.journal.clear()
    tc.faults.add(Cut(after), method="GET")
    result = hook.download_artifact(run.task_id, "public/g", tmp_path / "g")
    assert (tmp_path / "g").read_bytes() == content
    assert starts(tc)[1] == after
    assert (result.size, result.verified, result.attempts) == (len(content), "length", 2)


def test_a_gzip_body_without_length_goes_on_too(hook, run, tc):
    content = b"".join(b"%d squared is %d\n" % (n, n * n) for n in range(20_000))
    run.add("public/g", content, storage_type="s3", gzipped=True)
    tc.faults.add(NoLength(after=70_000), method="GET")
    assert hook.read_artifact(run.task_id, "public/g") == content


def test_progress_is_told_and_rolled_back(hook, stored, tc, monkeypatch):
    seen = []
    tc.faults.add(Cut(1_500_000), method="GET")
    tc.faults.add(Ignore("range"), method="GET", nth=2)
    with often_told(monkeypatch):
        hook.download_object(stored, MemorySink(), on_progress=seen.append)
    done = [progress.done for progress in seen]
    assert max(done[:5]) >= 1_000_000
    assert sorted(done) != done, "the restart rolled it back"
    assert (seen[-1].done, seen[-1].total, seen[-1].attempt) == (len(DATA), len(DATA), 2)


def test_a_line_is_logged_every_few_seconds(hook, stored, monkeypatch, caplog):
    caplog.set_level("INFO", "airflow_provider_taskcluster")
    with often_told(monkeypatch):
        hook.download_object(stored, MemorySink())
    assert re.search(r"\d+% of 3\.0 MB, \d+\.\d MB/s, \d+ s left, attempt 1", caplog.text)


class often_told:  # noqa: N801 (used as a function)
    """Progress is told at every step instead of every five seconds."""

    def __init__(self, monkeypatch):
        self.monkeypatch = monkeypatch

    def __enter__(self):
        from airflow_provider_taskcluster.transfer.download import fetch
        from airflow_provider_taskcluster.transfer.progress import Reporter

        self.monkeypatch.setattr(fetch, "Reporter", lambda name, _seconds, listener: Reporter(name, 0, listener))

    def __exit__(self, *_):
        pass


def test_a_silent_store_before_any_answer_is_tried_again(fetch, connect, tc):
    tc.faults.add(Stall(), method="GET")
    assert fetch(connect(extra={"read_timeout": 0.3})).attempts == 2


def test_a_store_that_stays_silent_ends_in_one_sentence(connect, stored, tc):
    tc.faults.add(Stall(), method="GET", times=10)
    with pytest.raises(
        ConnectionFailed, match=r"got no answer: no answer in time; it may pass: let the task try again, "
    ):
        connect(extra={"read_timeout": 0.1, "max_retries": 1}).read_object(stored)


def test_small_objects_take_one_request(fetch, tc):
    fetch()
    assert len(gets(tc)) == 1

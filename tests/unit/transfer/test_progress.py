from __future__ import annotations

import threading
from functools import partial
from types import SimpleNamespace

import pytest

from airflow_provider_taskcluster.transfer import progress
from airflow_provider_taskcluster.transfer.model import TransferResult
from airflow_provider_taskcluster.transfer.progress import PartReporter, Progress, Reporter, TotalSize


@pytest.fixture
def seen():
    return []


@pytest.fixture
def whole(seen):
    reporter = Reporter("a/b", 0, seen.append)
    reporter.restart(100)
    return reporter


def test_the_parts_add_up_to_the_whole(whole, seen):
    for _ in range(4):
        share = PartReporter(whole)
        share.restart(25)
        share.advance(20)
        share.advance(5)
        share.finish()
    whole.finish()
    assert [progress.done for progress in seen][-1] == 100
    assert (seen[-1].name, seen[-1].total, seen[-1].attempt) == ("a/b", 100, 1)


def test_a_part_that_begins_again_takes_back_its_share_alone(whole):
    first, second = PartReporter(whole), PartReporter(whole)
    first.advance(30)
    second.advance(20)
    second.restart(50)
    assert whole.now().done == 30
    second.advance(50)
    assert whole.now().done == 80


def test_the_total_of_a_part_is_not_that_of_the_whole(whole):
    share = PartReporter(whole)
    share.restart(7)
    assert (share.total, whole.total) == (7, 100)


def test_a_total_is_known_when_the_sizes_of_all_parts_are(whole):
    total = TotalSize(whole, {"listed": 5, "object": None, "other": None})
    assert whole.total is None
    share = PartReporter(whole, on_begin=partial(total.learn, "object"))
    share.restart(None)
    share.restart(7)
    assert whole.total is None
    total.learn("other", 0)
    assert whole.total == 12
    share.restart(8)  # it has changed in the store
    assert whole.total == 13
    total.learn("new", 2)
    assert whole.total == 15
    assert (TotalSize(whole, {}), whole.total)[1] == 0


def test_a_request_that_failed_counts_for_both(whole):
    share = PartReporter(whole)
    share.count_failure()
    assert (share.attempt, whole.attempt) == (2, 2)
    PartReporter(whole).count_failure()
    assert whole.attempt == 3


def test_the_end_of_a_part_is_not_told(whole, seen):
    PartReporter(whole).finish()
    assert seen == []


@pytest.mark.parametrize("happens", [lambda share: share.advance(10), lambda share: share.count_failure()])
def test_a_part_learns_that_the_whole_has_failed(whole, happens):
    """With the next bytes, and before it tries again."""

    def check():
        raise OSError("another part")

    with pytest.raises(OSError, match="another part"):
        happens(PartReporter(whole, check))
    assert whole.now().done == 0


def test_many_parts_at_once_lose_nothing(whole):
    def move():
        share = PartReporter(whole)
        for _ in range(2000):
            share.advance(1)

    threads = [threading.Thread(target=move) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert whole.now().done == 8000


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (Progress("a", 5_000_000, None, 1, 2.0), "'a': 5.0 MB, 2.5 MB/s, attempt 1"),
        (Progress("a", 0, None, 1, 0.0), "'a': 0.0 MB, 0.0 MB/s, attempt 1"),
        (Progress("a", 0, 10_000_000, 2, 1.0), "'a': 0% of 10.0 MB, 0.0 MB/s, time left unknown, attempt 2"),
        (Progress("a", 5_000_000, 10_000_000, 1, 2.0), "'a': 50% of 10.0 MB, 2.5 MB/s, 2 s left, attempt 1"),
        (Progress("a", 1_000_000, 10_000_000, 1, 10.0), "'a': 10% of 10.0 MB, 0.1 MB/s, 1 min 30 s left, attempt 1"),
    ],
    ids=["no total", "nothing yet", "nothing of a total", "half", "minutes"],
)
def test_a_moment_is_one_line(progress, line):
    assert str(progress) == line


def test_a_timed_transfer_has_its_seconds(monkeypatch):
    clock = iter([100.0, 102.5])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))

    @progress.timed
    def transfer(name, *, size):
        return TransferResult(name, size, "text/plain", {}, "s3", "length", attempts=1)

    result = transfer("a/b", size=3)
    assert (result.name, result.size, result.seconds, result["seconds"]) == ("a/b", 3, 2.5, 2.5)

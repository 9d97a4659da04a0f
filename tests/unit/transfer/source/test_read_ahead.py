from __future__ import annotations

import hashlib
import io
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from running_threads import running

from airflow_provider_taskcluster.transfer.config import MIB
from airflow_provider_taskcluster.transfer.hashing.digests import Hashers
from airflow_provider_taskcluster.transfer.hashing.fingerprint import Fingerprint
from airflow_provider_taskcluster.transfer.source import read_ahead as following
from airflow_provider_taskcluster.transfer.source.abortable import AbortableSource
from airflow_provider_taskcluster.transfer.source.base import BytesSource, FactorySource, PathSource
from airflow_provider_taskcluster.transfer.source.read_ahead import (
    WORTH_A_THREAD,
    FingerprintedHashers,
    ReadAhead,
    ReadAheadHashers,
)
from airflow_provider_taskcluster.transfer.threads.buffers import Failure
from airflow_provider_taskcluster.transfer.upload.measure import measure

DATA = os.urandom(3 * WORTH_A_THREAD)
SHA512 = {"sha512": hashlib.sha512(DATA).hexdigest()}


def begun(count, data=DATA):
    measured = Fingerprint()
    measured.update(DATA)
    hashers = FingerprintedHashers(["sha512"], measured)
    hashers.update(data[:count])
    return hashers


def changed(at):
    return DATA[:at] + bytes([DATA[at] ^ 1]) + DATA[at + 1 :]


def threads():
    return running("taskcluster-measuring")


class TimeOut(BaseException):
    """As Airflow's."""


def open_files(path):
    return [link for link in Path("/proc/self/fd").iterdir() if link.exists() and link.samefile(path)]


def wait_for(condition):
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(DATA)
    return file


@pytest.mark.parametrize("kind", [BytesSource, PathSource])
def test_hashers_are_gone_on_with_up_to_where_it_is_told(kind, path):
    hashers = begun(1000)
    with ReadAhead(kind(DATA if kind is BytesSource else path), hashers) as follower:
        follower.advance_to(len(DATA) - 7)
        wait_for(lambda: hashers.seen == len(DATA) - 7)
    hashers.update(DATA[-7:])
    assert hashers.digests() == SHA512
    assert not threads()


def test_nothing_is_begun_for_little_or_for_what_has_one_reader_only():
    few, single = Hashers(["sha512"]), Hashers(["sha512"])
    with (
        ReadAhead(BytesSource(DATA), few) as little,
        ReadAhead(FactorySource(lambda: io.BytesIO(DATA)), single) as only,
    ):
        little.advance_to(WORTH_A_THREAD)
        only.advance_to(len(DATA))
        assert only._reached.empty(), "nobody would take it out"
        assert not threads()
    assert (few.seen, single.seen) == (0, 0)


@pytest.mark.parametrize(
    "wrap", [PathSource, lambda path: AbortableSource(PathSource(path), Failure())], ids=["alone", "one of many"]
)
def test_a_thread_runs_ahead_of_what_is_sent(path, wrap):
    """Of one of the many files of a folder, too, whose reading ends when another one fails."""
    ahead = ReadAheadHashers(wrap(path), begun(1000), len(DATA))
    ahead.update(DATA[:1])
    wait_for(lambda: ahead._hashers.seen == len(DATA))
    ahead.update(DATA[1:])
    assert ahead.digests() == SHA512
    assert ahead.matches_measured()


@pytest.mark.parametrize("cuts", [[1000], [999], [1001], [1, 5000], [WORTH_A_THREAD + 1, 2 * WORTH_A_THREAD]])
def test_who_sends_faster_takes_over(path, cuts):
    ahead = ReadAheadHashers(PathSource(path), begun(1000), len(DATA))
    for start, end in zip([0, *cuts], [*cuts, len(DATA)], strict=True):
        ahead.update(DATA[start:end])
    assert ahead.digests() == SHA512
    assert ahead.matches_measured()
    assert not threads()


@pytest.mark.parametrize("at", [0, 999, 1000, WORTH_A_THREAD, len(DATA) - 1])
def test_what_was_other_for_a_moment_is_seen(path, at):
    """Who measured and who sends have seen the same; the hashing, through a reader of its own, has not."""
    path.write_bytes(changed(at))
    ahead = ReadAheadHashers(PathSource(path), begun(1000, changed(at)), len(DATA))
    ahead.update(DATA[:1])
    wait_for(lambda: ahead._hashers.seen == len(DATA))
    ahead.update(DATA[1:])
    assert ahead.digests() != SHA512
    assert not ahead.matches_measured()


def test_what_was_not_begun_is_hashed_as_it_is_sent(path):
    ahead = ReadAheadHashers(PathSource(path), begun(0), len(DATA))
    assert not threads()
    ahead.update(DATA)
    assert ahead.digests() == SHA512


def test_a_file_that_cannot_be_read_by_the_thread_is_hashed_as_it_is_sent(path):
    source = PathSource(path)
    path.unlink()
    ahead = ReadAheadHashers(source, begun(1000), len(DATA))
    ahead.update(DATA)
    assert ahead.digests() == SHA512
    assert ahead.matches_measured()


def test_an_end_in_the_middle_leaves_no_thread(path):
    ahead = ReadAheadHashers(PathSource(path), begun(1000), len(DATA))
    ahead.update(DATA[:1])
    ahead.close()
    assert not threads()


def test_a_thread_that_cannot_start_is_done_without(path, monkeypatch, collector_off):
    def start(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    ahead = ReadAheadHashers(PathSource(path), begun(1000), len(DATA))
    ahead.update(DATA)
    assert ahead.digests() == SHA512


@pytest.mark.parametrize("started", [True, False])
def test_a_signal_while_the_thread_is_started_is_raised_and_leaves_none(path, monkeypatch, collector_off, started):
    start = threading.Thread.start

    def interrupted(thread):
        if started:
            start(thread)
        raise TimeOut

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    hashers = begun(1000)
    with pytest.raises(TimeOut), ReadAhead(PathSource(path), hashers) as follower:
        follower.advance_to(len(DATA))
    seen = hashers.seen
    wait_for(lambda: not threads())
    assert hashers.seen == seen
    assert not open_files(path)


def test_a_thread_ends_at_the_size_also_if_nobody_closes_it(path):
    ahead = ReadAheadHashers(PathSource(path), begun(1000), len(DATA))
    ahead.update(DATA[:1])
    wait_for(lambda: not threads())
    assert ahead._hashers.seen == len(DATA)
    assert not open_files(path)


def test_a_thread_ends_when_who_leads_was_interrupted_without_a_word(path, monkeypatch):
    monkeypatch.setattr(following, "SILENCE", 0.1)
    ReadAhead(PathSource(path), begun(1000)).advance_to(len(DATA) - 1)
    assert threads()
    wait_for(lambda: not threads())
    assert not open_files(path)


def test_a_time_out_at_any_moment_is_neither_lost_nor_leaves_a_thread(path, alarm):
    """By a signal, as Airflow's ``execution_timeout`` is."""
    for tenth_of_ms in range(0, 400, 8):
        with pytest.raises(TimeOut):  # noqa: PT012 (the signal may come at once)
            alarm(0.0001 + tenth_of_ms / 10_000, raise_time_out)
            measure_and_send(path)
        wait_for(lambda: not threads())
    assert not open_files(path)


def measure_and_send(path):
    """Again and again until the time-out; not for ever, should it be lost."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        started = measure(PathSource(path)).take_hashers()
        ahead = ReadAheadHashers(PathSource(path), started, len(DATA))
        try:
            for start in range(0, len(DATA), MIB):
                ahead.update(DATA[start : start + MIB])
        finally:
            try:
                ahead.close()
            except TimeOut:
                ahead.close()
                raise


def raise_time_out(_, frame):
    """Raise it, or a moment later where nothing can be done about it.

    Python swallows it in its list of threads, when one of them is collected; and a file that has just been opened is
    nobody's yet, so that Python closes it, with a warning.
    """
    if frame.f_code.co_qualname.startswith(("WeakSet.", "Path.open")):
        signal.setitimer(signal.ITIMER_REAL, 0.0001)
        return
    raise TimeOut

from __future__ import annotations

import signal
import threading
import time

import pytest

from airflow_provider_taskcluster.common import worker
from airflow_provider_taskcluster.transfer.threads.buffers import Failure
from airflow_provider_taskcluster.transfer.threads.pool import Serial, Threads, run_jobs

SOON = 5.0


@pytest.fixture
def failure():
    return Failure()


def alive():
    return [thread for thread in threading.enumerate() if thread.name.startswith("taskcluster-part-")]


@pytest.fixture(autouse=True)
def no_thread_is_left_behind():
    yield
    for thread in alive():
        thread.wait(SOON)
        thread.join(SOON)
    assert alive() == []


@pytest.fixture(params=[Serial(), Threads(1), Threads(4)], ids=["serial", "one thread", "four threads"])
def any_scheduler(request):
    return request.param


def test_every_job_is_done_once_and_its_outcome_returned(any_scheduler, failure):
    done = any_scheduler.run(range(200), lambda job: job * 2, failure)
    assert sorted(done) == [job * 2 for job in range(200)]
    assert failure.error is None


def test_jobs_are_begun_in_order(any_scheduler, failure):
    given = []

    def jobs():
        for job in range(50):
            given.append(job)
            yield job

    any_scheduler.run(jobs(), lambda job: job, failure)
    assert given == list(range(50))


def test_a_job_may_be_anything_that_is_not_none(any_scheduler, failure):
    assert sorted(any_scheduler.run([0, False, 0.0], lambda job: job, failure)) == [0, 0, 0]


def test_no_jobs_are_no_work(any_scheduler, failure):
    assert any_scheduler.run([], lambda job: job, failure) == []


def test_serial_works_in_the_caller_s_thread_one_after_the_other(failure):
    seen = Serial().run(range(3), lambda job: (job, threading.current_thread()), failure)
    assert seen == [(job, threading.current_thread()) for job in range(3)]


def test_jobs_are_made_when_they_are_due(failure):
    """Each may hold a part in memory."""
    made, done = [], []

    def jobs():
        for job in range(20):
            assert len(made) - len(done) <= 3
            made.append(job)
            yield job

    Threads(3).run(jobs(), done.append, failure)
    assert len(done) == 20


def test_so_many_are_done_at_once_and_no_more(failure):
    lock, together = threading.Lock(), threading.Barrier(3, timeout=SOON)
    running, most = 0, 0

    def work(job):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        if job < 3:
            together.wait()  # these three are under way at the same time, or this fails
        with lock:
            running -= 1

    Threads(3).run(range(30), work, failure)
    assert most == 3


def test_the_error_rises_and_no_job_is_begun_after_it(any_scheduler, failure):
    begun = []

    def work(job):
        begun.append(job)
        if job == 5:
            raise OSError("fatal")
        while job > 5 and not failure.error:
            time.sleep(0.001)

    with pytest.raises(OSError, match="fatal"):
        any_scheduler.run(range(1000), work, failure)
    assert max(begun) <= 5 + 3
    assert isinstance(failure.error, OSError)


def test_a_job_that_was_made_while_another_failed_is_not_begun(failure):
    """Reading a part may take long; the second thread waits for the first one to be done with it."""
    reading, begun = threading.Event(), []

    def jobs():
        yield "fails"
        reading.set()
        while not failure.error:
            time.sleep(0.001)
        yield "late"
        yield "later"

    def work(job):
        begun.append(job)
        assert reading.wait(SOON)
        raise OSError("fatal")

    with pytest.raises(OSError, match="fatal"):
        Threads(3).run(jobs(), work, failure)
    assert begun == ["fails"]


def test_of_several_errors_the_first_rises(failure):
    second = threading.Event()

    def work(job):
        if job == "second":
            second.set()
            while not failure.error:
                time.sleep(0.001)
            raise OSError("second")
        assert second.wait(SOON)
        raise OSError("first")

    with pytest.raises(OSError, match="first"):
        Threads(2).run(["first", "second"], work, failure)


def test_those_under_way_learn_of_the_error(failure):
    def work(job):
        if job:
            raise OSError("fatal")
        until_it_fails(failure)
        failure.check()

    started = time.monotonic()
    with pytest.raises(OSError, match="fatal"):
        Threads(2).run([0, 1], work, failure)
    assert time.monotonic() - started < SOON


def test_an_error_of_the_jobs_themselves_rises(any_scheduler, failure):
    def jobs():
        yield 1
        raise OSError("source")

    with pytest.raises(OSError, match="source"):
        any_scheduler.run(jobs(), lambda job: job, failure)
    assert str(failure.error) == "source"


def test_what_ends_a_program_ends_it_from_a_thread_too(any_scheduler, failure):
    def work(_job):
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        any_scheduler.run([1], work, failure)


def until_it_fails(failure):
    with failure.lock:
        failure.changed.wait_for(lambda: failure.error, timeout=60)


class TimedOut(BaseException):
    """What a time-out of Airflow raises in the main thread."""


@pytest.fixture
def timed_out_after(alarm):
    def raise_it(*_):
        raise TimedOut

    return lambda seconds: alarm(seconds, raise_it)


@pytest.mark.parametrize("schedule", [Serial(), Threads(3)], ids=["serial", "threads"])
def test_an_interrupt_in_the_main_thread_ends_the_others(failure, timed_out_after, schedule):
    def work(_job):
        until_it_fails(failure)
        failure.check()

    timed_out_after(0.2)
    started = time.monotonic()
    with pytest.raises(TimedOut):
        schedule.run(range(10), work, failure)
    assert isinstance(failure.error, TimedOut)
    assert time.monotonic() - started < SOON


@pytest.mark.parametrize("count", [1, 3])
def test_after_an_interrupt_nobody_works_on_behind_the_caller_s_back(failure, timed_out_after, count):
    """The caller closes files then."""
    begun, ended = [], []

    def work(job):
        begun.append(job)
        if len(begun) == count:  # all threads are at work
            signal.setitimer(signal.ITIMER_REAL, 0.05)
        until_it_fails(failure)
        time.sleep(0.3)
        ended.append(job)
        failure.check()

    timed_out_after(60)
    with pytest.raises(TimedOut):
        Threads(count).run(range(10), work, failure)
    assert sorted(ended) == list(range(count))


def test_an_interrupt_does_not_wait_for_each_thread_that_hears_nothing(failure, timed_out_after, monkeypatch):
    monkeypatch.setattr(worker, "GRACE", 0.3)
    end = threading.Event()
    timed_out_after(0.1)
    started = time.monotonic()
    with pytest.raises(TimedOut):
        Threads(8).run(range(8), lambda _job: end.wait(60), failure)
    assert time.monotonic() - started < 1.5
    end.set()


@pytest.mark.parametrize("first", [0, 3])
def test_when_a_thread_cannot_start_the_others_end_and_nobody_is_waited_for_in_vain(failure, no_thread_after, first):
    def work(_job):
        while not failure.error:
            time.sleep(0.001)
        failure.check()

    no_thread_after(first, "taskcluster-part-")
    started = time.monotonic()
    with pytest.raises(RuntimeError, match="can't start new thread"):
        Threads(5).run(range(10), work, failure)
    assert alive() == []
    assert time.monotonic() - started < SOON


@pytest.mark.parametrize("at_once", [0, 1, 2])
def test_jobs_run_in_the_callers_thread_unless_several_run_at_once(at_once):
    threads = run_jobs(range(3), lambda _job: threading.current_thread(), Failure(), at_once)
    assert len(threads) == 3
    assert (set(threads) == {threading.current_thread()}) is (at_once < 2)

"""The log of a task as it is now, which is not followed."""

from __future__ import annotations

import time

import pytest
from following import Following, publish, until
from local_servers import Quiet, serving

from airflow_provider_taskcluster.exceptions import NotFound
from airflow_provider_taskcluster.tasks import run_log
from airflow_provider_taskcluster.tasks.log_names import BACKING_LOG, LIVE_LOG

MIB = 1 << 20


def followed(hook, run, data, **options):
    """The lines of a task that published this log."""
    publish(run, data)
    run.complete()
    return Following(hook, run.task_id, **options).ended()


class TestAsItIsNow:
    def test_the_whole_log_and_its_end(self, hook, run):
        lines = [f"line {number}" for number in range(5000)]
        assert followed(hook, run, "\n".join(lines).encode(), follow=False) == lines

        def ended(**options):
            return list(hook.task_log(run.task_id, follow=False, **options))

        assert ended(tail=3) == lines[-3:]
        assert ended(tail=10_000) == lines
        assert ended(max_bytes=15) == ["[taskcluster] The first 48,880 bytes of the log are left out", "line 4999"]
        assert ended(max_bytes=25, tail=1) == ["line 4999"]
        assert ended(max_bytes=25, tail=5)[1:] == ["line 4998", "line 4999"]
        assert ended(max_bytes=10 * MIB) == lines

    def test_of_a_run_that_goes_on_it_ends_in_silence(self, hook, run, livelog, monkeypatch):
        monkeypatch.setattr(run_log, "CAUGHT_UP", 0.5)
        assert list(hook.task_log(run.task_id, follow=False)) == []
        run.add_reference(LIVE_LOG, livelog.url)
        livelog.write(b"one\ntwo\nthr")
        assert list(hook.task_log(run.task_id, follow=False)) == ["one", "two", "thr"]
        assert list(hook.task_log(run.task_id, follow=False, tail=2)) == ["two", "thr"]
        until(lambda: not livelog.readers)

    def test_a_host_may_take_its_time_to_answer(self, hook, run, monkeypatch):
        monkeypatch.setattr(run_log, "CAUGHT_UP", 0.3)

        class Slow(Quiet):
            def do_GET(self):  # noqa: N802 (a name that http.server calls)
                time.sleep(1.5)
                self.answer(200, b"one\n")

        with serving(Slow) as url:
            run.add_reference(LIVE_LOG, f"{url}/log/x")
            assert list(hook.task_log(run.task_id, follow=False)) == ["one"]

    def test_of_a_task_that_has_not_begun_there_is_nothing(self, hook, worker):
        assert list(hook.task_log(worker.create_task(), follow=False)) == []
        unscheduled = worker.create_task(dependencies=[worker.create_task()])
        assert list(hook.task_log(unscheduled, follow=False)) == []
        with pytest.raises(NotFound, match="no run 3"):
            list(hook.task_log(worker.create_task(), 3, follow=False))

    def test_a_missing_log_is_said(self, hook, run, monkeypatch):
        monkeypatch.setattr(run_log, "LATE", 0.3)
        run.complete()
        missing = [f"[taskcluster] Run 0: no log is in the store ({BACKING_LOG})"]
        assert list(hook.task_log(run.task_id, follow=False)) == missing
        assert list(hook.task_log(run.task_id, follow=False, tail=5)) == missing

    def test_the_log_of_a_run_that_ended_long_ago_is_not_waited_for(self, hook, run, monkeypatch):
        monkeypatch.setattr(run_log, "CLOCK_SKEW", -100)
        run.complete()
        started = time.monotonic()
        assert len(list(hook.task_log(run.task_id, follow=False))) == 1
        assert time.monotonic() - started < 10

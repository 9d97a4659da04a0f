"""The status that is asked for while a log is followed."""

from __future__ import annotations

import pytest

from airflow_provider_taskcluster.exceptions import InsufficientScopes, ServiceUnavailable, UnreadableAnswer
from airflow_provider_taskcluster.tasks.status_watch import StatusWatch

STATUS = {"taskId": "t", "state": "running", "runs": [{"runId": 0, "state": "running"}]}


def watching(answers, on_status=None, interval=0.0001):
    asked = iter(answers)

    def ask():
        answer = next(asked)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return StatusWatch(ask, interval, on_status, lambda _: None)


def test_errors_that_may_pass_are_logged_once_and_waited_through(caplog):
    watch = watching([ServiceUnavailable("busy"), ServiceUnavailable("busy"), UnreadableAnswer("odd"), STATUS])
    assert watch.status == STATUS
    assert caplog.text.count("goes on after an error: busy") == 1
    assert "odd" not in caplog.text


def test_errors_that_stay_rise():
    with pytest.raises(InsufficientScopes):
        _ = watching([InsufficientScopes("queue:status")]).status


def test_each_answer_is_shown_and_an_error_of_the_caller_rises():
    seen = []
    watch = watching([STATUS, {**STATUS, "state": "completed"}], seen.append)
    assert not watch.resolved
    while not watch.look():
        pass
    assert watch.resolved
    assert [status["state"] for status in seen] == ["running", "completed"]

    def stop(_):
        raise KeyError("enough")

    with pytest.raises(KeyError):
        _ = watching([STATUS], stop).status


def test_it_asks_no_more_often_than_the_interval():
    watch = watching([STATUS], interval=1000)
    assert watch.status
    assert not watch.look()
    assert watch.run(0)["state"] == "running"
    assert watch.run(1) is None

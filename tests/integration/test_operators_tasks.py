"""Operators that cancel, rerun and index tasks: results, logs, retries and errors."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import taskcluster
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from airflow_provider_taskcluster.emulator.store.faults import Reset
from airflow_provider_taskcluster.exceptions import ConnectionFailed
from airflow_provider_taskcluster.operators.tasks import (
    TaskclusterCancelTaskOperator,
    TaskclusterIndexTaskOperator,
    TaskclusterRerunTaskOperator,
)

CONNECTION = {"task_id": "task", "taskcluster_conn_id": "tc_test"}
MISSING = "fN1SbArXTPSVFNUvaOlinQ"


@pytest.fixture
def context():
    """The context of a try; after a clear at try 3 with one retry, ``max_tries`` is 4."""

    def make(try_number=1, max_tries=1, start=None):
        dag_run = SimpleNamespace(start_date=start or datetime.now(UTC) - timedelta(minutes=1))
        return {"dag_run": dag_run, "ti": SimpleNamespace(try_number=try_number, max_tries=max_tries)}

    return make


@pytest.fixture
def logged(capfd, caplog):
    """What the operators have logged: Airflow 3 writes it out, Airflow 2 gives it to the loggers of Python."""
    return lambda: capfd.readouterr().out + caplog.text


def cancel(context, task_id, **arguments):
    operator = TaskclusterCancelTaskOperator(**CONNECTION, taskcluster_task_id=task_id, **arguments)
    return operator.execute(context())


def rerun(context, task_id, **tries):
    return TaskclusterRerunTaskOperator(**CONNECTION, taskcluster_task_id=task_id, retries=1).execute(context(**tries))


def index(context, index_path, task_id=MISSING, **arguments):
    given = {"index_path": index_path, "taskcluster_task_id": task_id, "expires": timedelta(days=1), **arguments}
    return TaskclusterIndexTaskOperator(**CONNECTION, **given).execute(context())


def calls(tc, path):
    return [entry for entry in tc.journal.entries() if entry.path.endswith(path)]


@pytest.mark.parametrize("state", ["pending", "running", "unscheduled"])
def test_a_task_that_is_not_resolved_is_cancelled(hook, tc, context, state):
    before = tc.bulk.create(1) if state == "unscheduled" else []
    (task_id,) = tc.bulk.create(1, state=state, dependencies=before)
    result = cancel(context, task_id)
    assert result == {"task_id": task_id, "state": "exception", "run_id": 0, "reason_resolved": "canceled"}
    assert cancel(context, task_id) == result
    assert hook.task_status(task_id)["state"] == "exception"


def test_a_resolved_task_does_not_change_and_the_log_says_how_it_ended(hook, tc, context, logged):
    (task_id,) = tc.bulk.create(1, state="completed")
    assert cancel(context, task_id)["state"] == "completed"
    assert f"Task {task_id} is completed (completed)" in logged()


def test_past_its_deadline_there_is_nothing_to_cancel(hook, tc, context):
    (task_id,) = tc.bulk.create(1)
    with tc.clock.advanced(days=1, minutes=5):
        assert cancel(context, task_id)["reason_resolved"] == "deadline-exceeded"


@pytest.mark.parametrize("written", [list, tuple, json.dumps, str])
def test_of_a_list_each_task_is_cancelled(hook, tc, context, written):
    task_ids = tc.bulk.create(3)
    result = cancel(context, written(task_ids))
    assert result["count"] == 3
    assert [task["task_id"] for task in result["tasks"]] == task_ids
    assert {task["reason_resolved"] for task in result["tasks"]} == {"canceled"}


def test_the_result_of_a_long_list_is_cut(hook, tc, context):
    result = cancel(context, tc.bulk.create(101))
    assert (result["count"], len(result["tasks"])) == (101, 100)


def test_a_list_of_one_gives_a_list(hook, tc, context):
    assert cancel(context, tc.bulk.create(1))["count"] == 1


def test_a_missing_task_fails_after_the_others_are_cancelled(hook, tc, context):
    (task_id,) = tc.bulk.create(1)
    with pytest.raises(AirflowFailException, match=f"{MISSING}.*there is no such task.*Cancellation of task"):
        cancel(context, [MISSING, task_id])
    assert hook.task_status(task_id)["state"] == "exception"


def test_a_task_that_may_not_be_cancelled_fails_after_the_others_are_cancelled(hook, tc, context, connect):
    mine, theirs = tc.bulk.create(1)[0], tc.bulk.create(1, schedulerId="another")[0]
    token = tc.add_client("tests/cancels", ["queue:cancel-task:-/*"])
    connect(login="tests/cancels", password=token)
    with pytest.raises(AirflowFailException, match="403 InsufficientScopes"):
        cancel(context, [theirs, mine], if_missing="succeed")
    states = [connect().task_status(task_id)["state"] for task_id in (mine, theirs)]
    assert states == ["exception", "pending"]


def test_a_missing_task_may_be_a_success_or_a_skip(hook, tc, context):
    assert cancel(context, MISSING, if_missing="succeed") is None
    assert cancel(context, [MISSING], if_missing="succeed") == {"count": 0, "tasks": []}
    with pytest.raises(AirflowSkipException, match=f"There is no task to cancel: {MISSING}"):
        cancel(context, MISSING, if_missing="skip")
    (task_id,) = tc.bulk.create(1)
    assert cancel(context, [MISSING, task_id], if_missing="skip")["count"] == 1


@pytest.mark.parametrize("wrong", ["x", [MISSING, "x"]])
def test_an_id_that_is_none_is_refused_before_anything_is_cancelled(hook, tc, context, wrong):
    with pytest.raises(AirflowFailException, match="'x' is not a task ID"):
        cancel(context, wrong)
    assert not tc.journal.entries()


@pytest.mark.parametrize("state", ["completed", "failed", "exception"])
def test_a_resolved_task_gets_a_run(hook, tc, context, logged, state):
    (task_id,) = tc.bulk.create(1, state=state)
    assert rerun(context, task_id) == {"task_id": task_id, "state": "pending", "run_id": 1, "reason_resolved": None}
    assert f"Task {task_id} has run 1, which is pending" in logged()


@pytest.mark.parametrize("state", ["pending", "running"])
def test_a_task_with_an_open_run_gets_none(hook, tc, context, logged, state):
    (task_id,) = tc.bulk.create(1, state=state)
    assert rerun(context, task_id)["run_id"] == 0
    assert f"Task {task_id} is {state}: no run was added" in logged()


def test_an_unscheduled_task_gets_its_first_run(hook, tc, context):
    (task_id,) = tc.bulk.create(1, state="unscheduled", dependencies=tc.bulk.create(1))
    assert rerun(context, task_id)["run_id"] == 0


@pytest.mark.parametrize("meanwhile", [["failed"], ["exception", "failed"]], ids=["failed", "retried and failed"])
def test_a_retry_after_a_lost_answer_adds_no_second_run(connect, tc, context, logged, meanwhile):
    connect(extra={"max_retries": 0})
    (task_id,) = tc.bulk.create(1, state="failed")
    tc.api_faults.add(Reset(0), path=f"{task_id}/rerun")
    with pytest.raises(ConnectionFailed):
        rerun(context, task_id)
    for state in meanwhile:  # the queue retries the run of a lost worker
        tc.bulk.resolve([task_id], state, "worker-shutdown" if state == "exception" else None)
    assert rerun(context, task_id, try_number=2)["run_id"] == len(meanwhile)
    assert len(calls(tc, f"{task_id}/rerun")) == 1
    assert f"Task {task_id} was rerun by an earlier try" in logged()


def test_a_retry_asks_if_no_run_was_added(hook, tc, context):
    (task_id,) = tc.bulk.create(1, state="failed")
    assert rerun(context, task_id, try_number=2)["run_id"] == 1


def test_a_rerun_from_before_the_dag_run_does_not_count(hook, tc, context):
    (task_id,) = tc.bulk.create(1, state="failed")
    tc.bulk.rerun([task_id])
    tc.bulk.resolve([task_id], "failed")
    start = datetime.now(UTC) + timedelta(seconds=5)
    assert rerun(context, task_id, try_number=2, start=start)["run_id"] == 2


@pytest.mark.parametrize(("try_number", "max_tries", "run_id"), [(1, 1, 2), (2, 1, 1), (3, 3, 2), (4, 3, 1)])
def test_the_first_try_after_a_clear_is_no_retry(hook, tc, context, try_number, max_tries, run_id):
    (task_id,) = tc.bulk.create(1, state="failed")
    tc.bulk.rerun([task_id])
    tc.bulk.resolve([task_id], "failed")
    assert rerun(context, task_id, try_number=try_number, max_tries=max_tries)["run_id"] == run_id


def test_a_task_past_its_deadline_cannot_be_rerun(hook, tc, context):
    (task_id,) = tc.bulk.create(1, state="failed")
    with tc.clock.advanced(days=1, minutes=5), pytest.raises(AirflowFailException, match="past its deadline"):
        rerun(context, task_id)


def test_a_missing_task_cannot_be_rerun(hook, context):
    with pytest.raises(AirflowFailException, match="404 ResourceNotFound"):
        rerun(context, MISSING)


@pytest.fixture
def path():
    return f"tests.operators.{secrets.token_hex(4)}"


def test_a_task_is_inserted(hook, context, path):
    data = {"revision": "abc", "n": 1}
    result = index(context, path, rank="3", data=json.dumps(data))
    assert (result["index_path"], result["task_id"], result["rank"], result["data"]) == (path, MISSING, 3, data)
    assert hook.find_task(path)["taskId"] == MISSING
    assert index(context, path, rank=3, data=data)["data"] == data


def test_an_expiry_counts_from_the_start_of_the_dag_run(hook, context, path):
    before = datetime.now(UTC)
    expires = datetime.fromisoformat(index(context, path)["expires"])
    assert before - timedelta(minutes=2) < expires - timedelta(days=1) < before


def test_a_task_of_a_higher_rank_stays_and_the_log_says_so(hook, context, path, logged):
    index(context, path, rank=7)
    other = taskcluster.slugId()
    assert index(context, path, other, rank=5)["task_id"] == MISSING
    assert f"Task {MISSING!r} stays at {path!r}: its rank 7 is above 5" in logged()
    assert index(context, path, other, rank=7)["task_id"] == other


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"index_path": "a b"}, "is not an index path"),
        ({"task_id": "x"}, "'x' is not a task ID"),
        ({"expires": "2020-01-01T00:00:00Z"}, "nobody would find the entry"),
        ({"rank": 2**54}, "2\\^53 at most"),
        ({"data": {"a": "\0"}}, "NUL"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_an_entry_that_cannot_be_is_not_sent(hook, tc, context, path, wrong, said):
    with pytest.raises(AirflowFailException, match=said):
        index(context, **{"index_path": path, **wrong})
    assert not tc.journal.entries()

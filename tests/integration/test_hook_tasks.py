"""Tasks through the hook: created, once; cancelled, run again, scheduled, indexed."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import pytest
import taskcluster

from airflow_provider_taskcluster.common.timestamps import iso_timestamp
from airflow_provider_taskcluster.emulator.store.faults import Overtaken, Reset, Status
from airflow_provider_taskcluster.exceptions import Conflict, InsufficientScopes, InvalidInput, NotFound, ServiceError


@pytest.fixture
def task_id():
    return taskcluster.slugId()


@pytest.fixture
def definition():
    now = datetime.now(UTC)
    return {
        "taskQueueId": "tests/hook-tasks",
        "schedulerId": "airflow",
        "created": iso_timestamp(now),
        "deadline": iso_timestamp(now + timedelta(hours=2)),
        "payload": {"a": 1},
        "metadata": {"name": "n", "description": "d", "owner": "o", "source": "https://example.com/"},
    }


def calls(tc, method):
    return [entry for entry in tc.journal.entries() if entry.method == method]


def test_a_task_is_created_once(hook, tc, task_id, definition):
    assert hook.create_task(task_id, definition)["state"] == "pending"
    assert hook.create_task(task_id, definition)["runs"] == hook.task_status(task_id)["runs"]
    assert hook.task_definition(task_id)["schedulerId"] == "airflow"


def test_a_lost_answer_makes_no_second_task(hook, tc, task_id, definition):
    tc.api_faults.add(Reset(0), method="PUT", path=task_id)
    assert len(hook.create_task(task_id, definition)["runs"]) == 1
    assert len(calls(tc, "PUT")) == 2


@pytest.mark.parametrize("later", ["created is old", "deadline is past", "sealed", "priority"])
def test_a_task_is_recognized_when_the_queue_refuses_the_same_definition(hook, tc, task_id, definition, later):
    hook.create_task(task_id, definition)
    if later == "sealed":
        hook.call("queue", "sealTaskGroup", task_id)
    if later == "priority":
        hook.call("queue", "changeTaskPriority", task_id, payload={"newPriority": "high"})
    minutes = {"created is old": 16, "deadline is past": 121}.get(later, 0)
    with tc.clock.advanced(minutes=minutes):
        assert hook.create_task(task_id, definition)["taskId"] == task_id


def test_another_task_of_this_id_is_a_conflict(hook, task_id, definition):
    hook.create_task(task_id, definition)
    with pytest.raises(Conflict, match="already used by another task"):
        hook.create_task(task_id, {**definition, "payload": {}})


def test_a_refused_definition_without_a_task_is_the_error_of_the_queue(hook, task_id, definition):
    with pytest.raises(ServiceError, match="cannot be in the past"):
        hook.create_task(task_id, {**definition, "created": "2020-01-01T00:00:00Z"})


def test_who_may_not_look_gets_the_refusal(hook, connect, tc, task_id, definition):
    hook.create_task(task_id, definition)
    scopes = [
        "queue:create-task:project:none",
        "queue:scheduler-id:airflow",
        "queue:create-task:lowest:tests/hook-tasks",
    ]
    token = tc.add_client("tests/creator", scopes)
    creator = connect("tc_creator", login="tests/creator", password=token)
    with tc.clock.advanced(minutes=16), pytest.raises(ServiceError, match="cannot be in the past"):
        creator.create_task(task_id, definition)


@pytest.mark.parametrize(
    "payload", [{"a": "b\0"}, {"a": "\ud83d"}, {"a": 2**60}, {"a": "x" * 11_000_000}], ids=range(4)
)
def test_what_the_queue_fails_over_is_not_sent(hook, tc, task_id, definition, payload):
    with pytest.raises(InvalidInput):
        hook.create_task(task_id, {**definition, "payload": payload})
    assert not tc.journal.entries()


def test_an_id_that_is_none_is_not_sent(hook, tc, definition):
    for call in (lambda: hook.create_task("x", definition), lambda: hook.cancel_task("x")):
        with pytest.raises(InvalidInput, match="is not a task ID"):
            call()
    assert not tc.journal.entries()


def test_a_task_is_cancelled_and_run_again(hook, task_id, definition):
    hook.create_task(task_id, definition)
    status = hook.cancel_task(task_id)
    assert (status["state"], status["runs"][-1]["reasonResolved"]) == ("exception", "canceled")
    assert hook.cancel_task(task_id) == status
    assert hook.rerun_task(task_id)["state"] == "pending"
    assert len(hook.rerun_task(task_id)["runs"]) == 2


def test_past_its_deadline_there_is_nothing_to_cancel(hook, tc, task_id, definition):
    hook.create_task(task_id, definition)
    with tc.clock.advanced(minutes=125):
        assert hook.cancel_task(task_id)["runs"][-1]["reasonResolved"] == "deadline-exceeded"
        for call in (hook.rerun_task, hook.schedule_task):
            with pytest.raises(Conflict, match="past its deadline"):
                call(task_id)


@pytest.mark.usefixtures("no_anonymous_scopes")
def test_a_cancel_that_is_refused_says_so_if_the_status_may_not_be_read(hook, holding, tc, task_id, definition):
    hook.create_task(task_id, definition)
    limited = holding("queue:cancel-task:airflow/*")
    tc.api_faults.add(Overtaken(409, "RequestConflict"), method="POST", path="/cancel")
    with pytest.raises(Conflict):
        limited.cancel_task(task_id)


def test_a_task_is_scheduled_whatever_it_depends_on(hook, task_id, definition):
    first = taskcluster.slugId()
    hook.create_task(first, definition)
    assert hook.create_task(task_id, {**definition, "dependencies": [first]})["state"] == "unscheduled"
    assert hook.schedule_task(task_id)["state"] == "pending"


@pytest.mark.parametrize("method", ["cancel_task", "rerun_task", "schedule_task", "task_definition"])
def test_a_task_that_is_not_there_is_not_found(hook, task_id, method):
    with pytest.raises(NotFound, match="there is no such task, or it has expired: check the ID"):
        getattr(hook, method)(task_id)


def test_calls_are_tried_again(hook, tc, task_id, definition):
    hook.create_task(task_id, definition)
    tc.api_faults.add(Status(503), path=task_id, times=2)
    assert hook.cancel_task(task_id)["state"] == "exception"


def test_a_task_is_indexed(hook, task_id):
    path = f"tests.hook.{secrets.token_hex(4)}"
    with pytest.raises(NotFound):
        hook.find_task(path)
    entry = hook.insert_task(path, task_id, rank=3, data={"a": 1}, expires=timedelta(days=1))
    assert (entry["taskId"], entry["rank"], entry["data"]) == (task_id, 3, {"a": 1})
    assert hook.find_task(path) == entry
    assert hook.insert_task(path, taskcluster.slugId(), rank=2, expires=timedelta(days=1)) == entry


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rank": 1.5}, "rank is 1.5"),
        ({"rank": True}, "rank is True"),
        ({"rank": 2**54}, "pass a whole number"),
        ({"expires": timedelta(days=-1)}, "nobody would find the entry"),
        ({"data": {"a": "\0"}}, "NUL"),
        ({"data": [1]}, "pass a dict"),
    ],
    ids=str,
)
def test_an_entry_that_cannot_be_is_not_sent(hook, tc, task_id, changed, said):
    with pytest.raises(InvalidInput, match=said):
        hook.insert_task("tests.never", task_id, **{"expires": timedelta(days=1), **changed})
    assert not tc.journal.entries()


def test_a_missing_scope_is_named(connect, tc, task_id):
    token = tc.add_client("tests/none", [])
    limited = connect("tc_none", login="tests/none", password=token)
    with pytest.raises(InsufficientScopes, match=r"index:insert-task:tests\.a"):
        limited.insert_task("tests.a", task_id, expires=timedelta(days=1))

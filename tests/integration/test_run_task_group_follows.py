"""``TaskclusterRunTaskGroupOperator`` follows tasks that a real worker runs, on the worker and in the triggerer."""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import timedelta

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowTaskTimeout
from airflow_tries import deferred, event_of

from airflow_provider_taskcluster.emulator.store.faults import Status
from airflow_provider_taskcluster.exceptions import TaskNotCompleted, WaitFailed
from airflow_provider_taskcluster.operators.groups import TaskclusterRunTaskGroupOperator
from airflow_provider_taskcluster.tasks.generic_worker import generic_worker_payload
from airflow_provider_taskcluster.triggers.run_trigger import TaskclusterTaskGroupTrigger


def runs(source, *dependencies):
    payload = generic_worker_payload([sys.executable, "-c", source], max_run_time=600)
    return {"payload": payload, "dependencies": list(dependencies)}


GOOD = {"build": runs("print('built')"), "a": runs("", "build"), "b": runs("", "build"), "end": runs("", "a", "b")}
BAD = {**GOOD, "a": runs("raise SystemExit(3)", "build")}


@pytest.fixture
def operator(hook, taskcluster_worker):
    """Make the operator of a new process; keyword arguments replace the defaults."""

    def make(tasks=GOOD, **arguments):
        usual = {"task_queue_id": taskcluster_worker.task_queue_id, "poll_interval": 0.1}
        return TaskclusterRunTaskGroupOperator(
            **{"task_id": "task", "tasks": tasks, "taskcluster_conn_id": "tc_test", **usual, **arguments}
        )

    return make


def ended(caplog, module):
    """Labels of the lines about tasks that ended, in order."""
    messages = [record.getMessage() for record in caplog.records if record.name.endswith(module)]
    return [message.split("'")[1] for message in messages if message.startswith("Task '") and ": run " in message]


def in_order(labels):
    return labels[0] == "build" and sorted(labels) == sorted(GOOD) and labels[-1] == "end"


def test_on_the_worker_each_end_has_a_line(operator, instance, caplog):
    caplog.set_level(logging.INFO)
    result = operator().execute(instance.context)
    assert {label: one["state"] for label, one in result.items()} == dict.fromkeys(GOOD, "completed")
    assert in_order(ended(caplog, "worker_wait"))


def test_deferred_each_end_has_a_line_in_the_triggerer_and_another_process_goes_on(operator, instance, hook, caplog):
    caplog.set_level(logging.INFO)
    trigger = deferred(operator(deferrable=True), instance)
    assert len(str(trigger.serialize())) < 1000
    event = event_of(trigger, TaskclusterTaskGroupTrigger)
    assert event["outcome"] == "found"
    assert in_order(ended(caplog, "wait_log"))
    result = operator(deferrable=True).execute_complete(instance.context, event)
    assert {label: one["task_id"] for label, one in result.items()} == instance.xcom["taskcluster_group"]["task_ids"]


@pytest.mark.parametrize("retry_on", [(), ["failed"]], ids=["final", "retried"])
@pytest.mark.parametrize("deferrable", [False, True], ids=["worker", "triggerer"])
def test_a_failure_means_the_same_in_both_modes(operator, instance, deferrable, retry_on):
    def run():
        one = operator(BAD, deferrable=deferrable, retry_on=retry_on, fail_fast=False)
        if not deferrable:
            return one.execute(instance.context)
        event = event_of(deferred(one, instance), TaskclusterTaskGroupTrigger)
        return operator(BAD, deferrable=True, retry_on=retry_on).execute_complete(instance.context, event)

    with pytest.raises(TaskNotCompleted if retry_on else AirflowFailException) as caught:
        run()
    assert "2 of 4 tasks of group" in str(caught.value)
    assert "run 0 is failed (failed), its log: " in str(caught.value)
    assert "tasks that are blocked and will not run: 1" in str(caught.value)
    assert getattr(caught.value, "transient", False) is bool(retry_on)


def test_a_time_out_cancels_the_group(operator, instance, hook):
    arguments = {"deferrable": True, "execution_timeout": timedelta(seconds=0.5), "task_queue_id": "emulator/idle"}
    event = event_of(deferred(operator(**arguments), instance), TaskclusterTaskGroupTrigger)
    assert event["outcome"] == "timeout"
    later = operator(**arguments)
    later.pre_execute(instance.context)
    with pytest.raises(AirflowTaskTimeout, match=r"Task group .* has not ended in time"):
        later.execute_complete(instance.context, event)
    assert states(hook, instance) == {"exception"}


@pytest.mark.parametrize(
    ("error", "raised", "state"),
    [("Trigger timeout", AirflowTaskTimeout, {"exception"}), ("failure", WaitFailed, {"pending", "unscheduled"})],
)
def test_a_trigger_that_ends_without_an_event(operator, instance, hook, error, raised, state):
    arguments = {"deferrable": True, "task_queue_id": "emulator/idle"}
    deferred(operator(**arguments), instance)
    with pytest.raises(raised):
        operator(**arguments).resume_execution("__fail__", {"error": error, "traceback": []}, instance.context)
    assert states(hook, instance) == state


@pytest.mark.parametrize(("on_kill", "state"), [("cancel", {"exception"}), ("leave", {"pending", "unscheduled"})])
def test_a_user_who_marks_the_task_cancels_the_group(operator, instance, hook, on_kill, state, caplog):
    caplog.set_level(logging.INFO)
    trigger = deferred(operator(deferrable=True, on_kill=on_kill, task_queue_id="emulator/idle"), instance)
    asyncio.run(trigger.on_kill())
    assert states(hook, instance) == state
    assert ("4 of its 4 tasks had not ended" in caplog.text) is (on_kill == "cancel")


def test_a_cancel_that_fails_is_a_warning(operator, instance, tc, caplog):
    trigger = deferred(operator(deferrable=True, task_queue_id="emulator/idle"), instance)
    tc.api_faults.add(Status(403), method="POST", path="/cancel")
    asyncio.run(trigger.on_kill())
    assert f"Task group '{instance.xcom['taskcluster_group']['task_group_id']}' could not be canceled: " in caplog.text


def test_a_task_that_has_not_completed_is_no_result(operator, instance):
    deferred(operator(deferrable=True, task_queue_id="emulator/idle"), instance)
    with pytest.raises(WaitFailed, match=r"Task 'build' .* has not completed, though it had"):
        operator(deferrable=True).execute_complete(instance.context, {"outcome": "found"})


def test_an_xcom_that_is_gone_lets_the_next_try_find_the_tasks(operator, instance):
    event = event_of(deferred(operator(deferrable=True), instance), TaskclusterTaskGroupTrigger)
    instance.xcom.clear()
    with pytest.raises(WaitFailed, match="the next try finds the tasks again"):
        operator(deferrable=True).execute_complete(instance.context, event)


def states(hook, instance):
    statuses = hook.task_statuses(instance.xcom["taskcluster_group"]["task_ids"].values())
    return {status["state"] for status in statuses.values()}

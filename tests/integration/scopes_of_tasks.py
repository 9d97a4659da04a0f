"""Operations on tasks, groups of them and the index, for the table of scopes."""

from __future__ import annotations

import asyncio
import threading
import time

from scopes_table import line

from airflow_provider_taskcluster.exceptions import InsufficientScopes
from airflow_provider_taskcluster.sensors.index import TaskclusterIndexSensor
from airflow_provider_taskcluster.sensors.tasks import TaskclusterTaskGroupSensor, TaskclusterTaskSensor
from airflow_provider_taskcluster.triggers.waits import TaskclusterWaitTrigger
from airflow_provider_taskcluster.waits.conditions.tasks import TaskGroupWait, TaskWait
from airflow_provider_taskcluster.waits.protocol import Found, Over
from airflow_provider_taskcluster.waits.serialization import serialize_wait


@line("`task_runs`")
def task_runs(w):
    return lambda: w.hook.task_runs(w.run.task_id)


@line("`TaskclusterTaskSensor`")
def task_sensor(w):
    return lambda: w.sees(TaskclusterTaskSensor, taskcluster_task_id=w.run.task_id, states="running")


@line("`TaskclusterTaskSensor`")
def look(w):
    wait = TaskWait(task_ids=[w.run.task_id], states=["running"])

    def found():
        verdict = w.hook.look(wait)
        if isinstance(verdict, Over):
            raise verdict.error
        assert isinstance(verdict, Found)

    return found


@line("`TaskclusterTaskGroupSensor`")
def group_sensor(w):
    w.blanks["taskGroupId"] = w.run.task_id
    w.run.complete()
    return lambda: w.sees(TaskclusterTaskGroupSensor, task_group_id=w.run.task_id)


@line("the same deferred, while tasks are open")
def group_sensor_in_the_triggerer(w):
    w.blanks["taskGroupId"] = w.run.task_id
    wait = serialize_wait(TaskGroupWait(task_group_id=w.run.task_id, states=["completed"]))

    def waited():
        completing = threading.Timer(2, w.run.complete)
        completing.start()
        event = asyncio.run(w.told(TaskclusterWaitTrigger, wait=wait, interval=0.2, deadline=time.time() + 30))
        completing.cancel()
        if event["outcome"] == "over":
            raise InsufficientScopes(event["message"])
        assert event["outcome"] == "found"

    return waited


@line("`TaskclusterIndexSensor`")
def index_sensor(w):
    path = w.index()
    return lambda: w.sees(TaskclusterIndexSensor, index_path=path)


@line("the same with `newer_than`")
def index_sensor_for_a_newer_task(w):
    path = w.index()
    return lambda: w.sees(TaskclusterIndexSensor, index_path=path, newer_than="2020-01-01T00:00:00Z")

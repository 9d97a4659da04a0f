"""Operations on tasks, groups of them and the index, for the table of scopes."""

from __future__ import annotations

import asyncio
import threading
import time

import taskcluster
from airflow_tries import TaskInstance
from scopes_table import line

from airflow_provider_taskcluster.decorators.taskcluster import taskcluster_task
from airflow_provider_taskcluster.emulator.worker import Worker
from airflow_provider_taskcluster.exceptions import InsufficientScopes
from airflow_provider_taskcluster.operators.groups import TaskclusterRunTaskGroupOperator
from airflow_provider_taskcluster.operators.run_task import TaskclusterRunTaskOperator
from airflow_provider_taskcluster.operators.tasks import (
    TaskclusterCancelTaskOperator,
    TaskclusterIndexTaskOperator,
    TaskclusterRerunTaskOperator,
)
from airflow_provider_taskcluster.sensors.index import TaskclusterIndexSensor
from airflow_provider_taskcluster.sensors.tasks import TaskclusterTaskGroupSensor, TaskclusterTaskSensor
from airflow_provider_taskcluster.tasks.function_payload import OUTCOME_ARTIFACT
from airflow_provider_taskcluster.triggers.waits import TaskclusterWaitTrigger
from airflow_provider_taskcluster.waits.conditions.tasks import TaskGroupWait, TaskWait
from airflow_provider_taskcluster.waits.protocol import Found, Over
from airflow_provider_taskcluster.waits.serialization import serialize_wait


@line("`task_runs`")
def task_runs(w):
    return lambda: w.hook.task_runs(w.run.task_id)


@line("`task_runs`")
def task_status(w):
    return lambda: w.hook.task_status(w.run.task_id)


@line("`task_definition`")
def task_definition(w):
    return lambda: w.hook.task_definition(w.run.task_id)


@line("`task_log`")
def task_log(w):
    w.publish()
    w.run.complete()
    return lambda: list(w.hook.task_log(w.run.task_id, live_name=w.name, backing_name=w.name))


def definition_of(w):
    """The definition of a task like the one that runs."""
    found = w.admin.task_definition(w.run.task_id)
    w.blanks |= {name: found[name] for name in ("priority", "provisionerId", "workerType", "schedulerId", "projectId")}
    w.blanks["taskGroupId"] = w.run.task_id
    return {name: value for name, value in found.items() if name != "taskGroupId"}


@line("`create_task`")
def create_task(w):
    definition, task_id = definition_of(w), taskcluster.slugId()
    return lambda: w.hook.create_task(task_id, definition)


@line("`TaskclusterRunTaskOperator`")
def run_operator(w):
    definition = definition_of(w)
    w.blanks["taskId"] = "*"  # each client derives another

    def ran():
        operator = TaskclusterRunTaskOperator(
            task_id="run", taskcluster_conn_id=w.hook.taskcluster_conn_id, definition=definition, log="none"
        )
        context = TaskInstance().context
        try:
            task_id = operator.start(context)["taskId"]
            w.tc.bulk.resolve([task_id])
            assert operator.execute(context)["state"] == "completed"
        finally:
            operator.hook.close()

    return ran


def add(one, two):
    return one + two


@line("`@task.taskcluster`")
def run_function(w):
    definition = {name: value for name, value in definition_of(w).items() if name != "payload"}
    w.blanks["taskId"] = "*"  # each client derives another

    def ran():
        run = taskcluster_task(
            add, task_id="run", taskcluster_conn_id=w.hook.taskcluster_conn_id, definition=definition, log="none"
        )
        operator, context = run(1, 2).operator, TaskInstance().context
        try:
            task_id = operator.start(context)["taskId"]
            credentials = {"clientId": w.tc.client_id, "accessToken": w.tc.access_token}
            done = Worker(w.tc.root_url, credentials, task_queue_id=definition["taskQueueId"]).claim(task_id)
            done.add(OUTCOME_ARTIFACT, b'{"outcome": "returned", "result": "gARLAy4="}')  # a 3
            done.complete()
            assert operator.execute(context) == 3
        finally:
            operator.hook.close()

    return ran


@line("`TaskclusterRunTaskGroupOperator`")
def run_group_operator(w):
    definition = definition_of(w)
    w.blanks |= {"taskId": "*", "taskGroupId": "*"}  # each client derives others

    def ran():
        operator = TaskclusterRunTaskGroupOperator(
            task_id="run", taskcluster_conn_id=w.hook.taskcluster_conn_id, tasks={"one": definition}, poll_interval=0.1
        )
        context = TaskInstance().context
        try:
            group = operator._started(context)
            w.tc.bulk.resolve(group.task_ids.values())
            assert operator.execute(context)["one"]["state"] == "completed"
        finally:
            operator.hook.close()

    return ran


@line("`task_group`")
def task_group(w):
    definition_of(w)
    return lambda: w.hook.task_group(w.run.task_id)


@line("`seal_task_group`")
def seal_task_group(w):
    definition_of(w)
    return lambda: w.hook.seal_task_group(w.run.task_id)


@line("`cancel_task_group`")
def cancel_task_group(w):
    definition_of(w)
    return lambda: w.hook.cancel_task_group(w.run.task_id)


@line("`task_runs`")
def task_statuses(w):
    return lambda: w.hook.task_statuses([w.run.task_id])


@line("`TaskclusterCancelTaskOperator`")
def cancel_task(w):
    definition_of(w)
    return lambda: w.hook.cancel_task(w.run.task_id)


@line("`TaskclusterCancelTaskOperator`")
def cancel_operator(w):
    definition_of(w)
    return lambda: w.execute(TaskclusterCancelTaskOperator, taskcluster_task_id=w.run.task_id)


@line("`TaskclusterRerunTaskOperator`")
def rerun_operator(w):
    definition_of(w)
    return lambda: w.execute(TaskclusterRerunTaskOperator, taskcluster_task_id=w.run.task_id)


@line("`rerun_task`")
def rerun_task(w):
    definition_of(w)
    return lambda: w.hook.rerun_task(w.run.task_id)


@line("`schedule_task`")
def schedule_task(w):
    definition_of(w)
    return lambda: w.hook.schedule_task(w.run.task_id)


@line("`TaskclusterIndexSensor`")
def find_task(w):
    path = w.index()
    return lambda: w.hook.find_task(path)


@line("`TaskclusterIndexTaskOperator`")
def index_operator(w):
    path = w.blanks["indexPath"] = "tests.scopes.inserted"
    entry = {"index_path": path, "taskcluster_task_id": w.run.task_id, "expires": w.expires}
    return lambda: w.execute(TaskclusterIndexTaskOperator, **entry)


@line("`TaskclusterIndexTaskOperator`")
def insert_task(w):
    path = w.blanks["indexPath"] = "tests.scopes.inserted"
    return lambda: w.hook.insert_task(path, w.run.task_id, expires=w.expires)


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

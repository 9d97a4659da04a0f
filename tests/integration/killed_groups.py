"""Starts of task groups that get killed; a program that `test_run_task_group_kills.py` starts."""

from __future__ import annotations

from airflow_tries import TaskInstance
from killed_processes import serve
from taskcluster import aio

from airflow_provider_taskcluster.operators.groups import TaskclusterRunTaskGroupOperator
from airflow_provider_taskcluster.tasks import group_start

WARM = (aio, group_start)


def start(run_id, tasks):
    instance = TaskInstance()
    instance.run_id = run_id
    TaskclusterRunTaskGroupOperator(
        task_id="task", taskcluster_conn_id="killed", tasks=tasks, task_queue_id="tests/killed-groups"
    )._started(instance.context)


if __name__ == "__main__":
    serve(start)

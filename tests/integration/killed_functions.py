"""Runs of a Python function that get killed; a program that `test_python_function_kills.py` starts."""

from __future__ import annotations

import os
import sys

from airflow_tries import TaskInstance, execute_in_thread
from killed_processes import serve
from taskcluster import aio

from airflow_provider_taskcluster.decorators.taskcluster import taskcluster_task
from airflow_provider_taskcluster.tasks import function_outcome, function_payload, starting

WARM = (aio, function_outcome, function_payload, starting)


def add(one, two):
    return one + two


def run(run_id, queue):
    instance = TaskInstance(max_tries=1)
    instance.run_id = run_id
    options = {"task_queue_id": queue, "python_command": os.path.realpath(sys.executable), "max_run_time": 60}
    operator = taskcluster_task(
        add, task_id="task", taskcluster_conn_id="killed", poll_interval=0.1, log="none", retries=1, **options
    )(1, 2).operator
    assert execute_in_thread(operator, instance.context) == 3


if __name__ == "__main__":
    serve(run)

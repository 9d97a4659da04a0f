"""Starts of task groups that get killed; a program that `test_run_task_group_kills.py` starts.

It imports everything once. For each line of its input (JSON) it forks a child, which starts the group that the line
describes, and says its process id; then it says how the child has ended.
"""

from __future__ import annotations

import json
import os
import sys

from airflow_tries import TaskInstance
from taskcluster import aio

from airflow_provider_taskcluster.operators.groups import TaskclusterRunTaskGroupOperator
from airflow_provider_taskcluster.tasks import group_start

WARM = (aio, group_start)


def start(connection, run_id, tasks):
    os.environ["AIRFLOW_CONN_KILLED"] = json.dumps(connection)
    instance = TaskInstance()
    instance.run_id = run_id
    TaskclusterRunTaskGroupOperator(
        task_id="task", taskcluster_conn_id="killed", tasks=tasks, task_queue_id="tests/killed-groups"
    )._started(instance.context)


def main():
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # Airflow logs to stdout
            try:
                start(**json.loads(line))
                os._exit(0)
            finally:
                os._exit(1)
        say(child)
        say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def say(number):
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

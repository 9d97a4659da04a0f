"""The operator that runs a group of tasks, as its tests start it."""

from __future__ import annotations

import pytest

from airflow_provider_taskcluster.operators.groups import TaskclusterRunTaskGroupOperator

RUN = {"payload": {"command": [["true"]]}}
CHAIN = {"build": RUN, "test": {**RUN, "dependencies": ["build"]}, "deploy": {**RUN, "dependencies": ["test", "build"]}}


@pytest.fixture
def operator(hook, worker):
    """Make the operator of a new try; keyword arguments replace the defaults."""

    def make(tasks=CHAIN, conn_id="tc_test", **arguments):
        usual = {"task_queue_id": worker.task_queue_id, "scheduler_id": "airflow", "poll_interval": 0.05}
        return TaskclusterRunTaskGroupOperator(
            task_id="task", tasks=tasks, taskcluster_conn_id=conn_id, **{**usual, **arguments}
        )

    return make


def start(operator, instance):
    """Start the group as a try does that is killed then."""
    return operator._started(instance.context)

"""The operator that runs one task, as its tests start it."""

from __future__ import annotations

import pytest

from airflow_provider_taskcluster.operators.run_task import TaskclusterRunTaskOperator


@pytest.fixture
def operator(hook, worker):
    """Make the operator of a new try; keyword arguments replace the defaults."""

    def make(conn_id="tc_test", **arguments):
        usual = {"task_queue_id": worker.task_queue_id, "payload": {"command": [["true"]]}, "log": "none"}
        return TaskclusterRunTaskOperator(
            task_id="task", taskcluster_conn_id=conn_id, poll_interval=0.05, **{**usual, **arguments}
        )

    return make


def started(operator, instance):
    """Start the task as a try does that is killed then; return its id."""
    task_id: str = operator.start(instance.context)["taskId"]
    return task_id

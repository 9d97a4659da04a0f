"""Wait for Taskcluster in the triggerer: for a task, for its whole group, and for the newest build in the index.

No worker waits: these sensors are deferred, and all waits on a connection share their requests. Trigger it with a task
and its group.
"""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import Param, dag

from airflow_provider_taskcluster.sensors.index import TaskclusterIndexSensor
from airflow_provider_taskcluster.sensors.tasks import TaskclusterTaskGroupSensor, TaskclusterTaskSensor


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={
        "taskcluster_task_id": Param("", type="string", description="Id of the Taskcluster task"),
        "task_group_id": Param("", type="string", description="Id of its group"),
        "index_path": Param("airflow-demo.builds.latest", type="string"),
    },
    default_args={"poke_interval": 2, "timeout": 120, "deferrable": True},
    tags=["taskcluster", "example"],
)
def wait_for_tasks() -> None:
    """Wait for three things at once."""
    # [START wait_for_task]
    TaskclusterTaskSensor(
        task_id="wait_for_task",
        taskcluster_task_id="{{ params.taskcluster_task_id }}",
        states="completed",
    )
    # [END wait_for_task]
    # [START wait_for_group]
    TaskclusterTaskGroupSensor(
        task_id="wait_for_group",
        task_group_id="{{ params.task_group_id }}",
        states=["completed"],  # a task that fails ends the wait
    )
    # [END wait_for_group]
    # [START wait_for_index]
    TaskclusterIndexSensor(
        task_id="newest",
        index_path="{{ params.index_path }}",
        newer_than="{{ dag_run.start_date }}",  # not the one of yesterday
    )
    # [END wait_for_index]


wait_for_tasks()

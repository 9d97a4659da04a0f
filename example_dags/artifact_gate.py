"""Wait for 50 artifacts, each with its own deferred sensor; in the triggerer they share their requests.

Trigger it with the ``taskcluster_task_id`` of a task that will publish ``public/chunk-0.txt`` to
``public/chunk-49.txt``. If the task ends without one of them, the DAG fails at once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import Param, dag, task

from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor

CHUNKS = 50


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={"taskcluster_task_id": Param("", type="string", description="Id of the Taskcluster task")},
    tags=["taskcluster", "example"],
)
def artifact_gate() -> None:
    """Wait for all chunks, then go on."""
    waits = TaskclusterArtifactSensor.partial(
        task_id="wait",
        taskcluster_task_id="{{ params.taskcluster_task_id }}",
        content_type="text/plain",
        min_length=1,  # the store is asked for the length, which the queue does not know of objects
        deferrable=True,
        poke_interval=5,
        timeout=timedelta(hours=1),
    ).expand(name=[f"public/chunk-{number}.txt" for number in range(CHUNKS)])

    @task
    def total(artifacts: Any) -> int:
        """Add up the lengths: each sensor returns that of its artifact."""
        return sum(found["content_length"] or 0 for found in artifacts)

    total(waits.output)


artifact_gate()

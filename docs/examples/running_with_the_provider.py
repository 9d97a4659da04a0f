"""The same as ``running_by_hand``, with the provider."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import Param, dag

from airflow_provider_taskcluster.operators.run_task import TaskclusterRunTaskOperator
from airflow_provider_taskcluster.tasks.generic_worker import generic_worker_payload


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={"task_queue_id": Param("emulator/linux", type="string")},
)
def running_with_the_provider() -> None:
    """Create a task, and wait."""
    # [START run]
    build = TaskclusterRunTaskOperator(
        task_id="build",
        task_queue_id="{{ params.task_queue_id }}",
        payload=generic_worker_payload(["/bin/sh", "-c", "echo building"], max_run_time=timedelta(hours=1)),
        deadline=timedelta(hours=2),
        retries=3,
        deferrable=True,
    )
    # [END run]
    _ = build


running_with_the_provider()

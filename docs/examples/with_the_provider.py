"""The same as ``polling_by_hand``, with the provider."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import Param, dag

from airflow_provider_taskcluster.operators.artifacts import TaskclusterDownloadArtifactOperator
from airflow_provider_taskcluster.operators.objects import TaskclusterUploadObjectOperator
from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={"taskcluster_task_id": Param("", type="string")},
    default_args={"retries": 3},
)
def with_the_provider() -> None:
    """Wait, download, publish."""
    # [START download]
    wait = TaskclusterArtifactSensor(
        task_id="wait",
        taskcluster_task_id="{{ params.taskcluster_task_id }}",
        name="public/build/target.zip",
        mode="reschedule",
        poke_interval=30,
        timeout=6 * 60 * 60,
    )
    fetch = TaskclusterDownloadArtifactOperator(
        task_id="fetch",
        taskcluster_task_id="{{ params.taskcluster_task_id }}",
        name="public/build/target.zip",
        destination="/tmp/target.zip",
    )
    # [END download]
    # [START upload]
    publish = TaskclusterUploadObjectOperator(
        task_id="publish",
        source="/tmp/target.zip",
        name="my-team/{{ run_id }}/target.zip",
        content_type="application/zip",
        project_id="my-team",
        expires=timedelta(days=30),
    )
    # [END upload]
    wait >> fetch >> publish


with_the_provider()

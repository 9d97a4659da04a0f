"""Wait for the artifact of a Taskcluster task, download it, and look at what else the task published.

Trigger it with the ``taskcluster_task_id`` of a task that will publish the artifact.
"""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import Param, dag, task

from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.operators.artifacts import TaskclusterDownloadArtifactOperator
from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={
        "taskcluster_task_id": Param("", type="string", description="Id of the Taskcluster task"),
        "artifact": Param("public/build/report.txt", type="string"),
        "folder": Param("/tmp/airflow-demo", type="string", description="Where the download goes"),  # noqa: S108 (an example)
    },
    tags=["taskcluster", "example"],
)
def wait_for_artifact() -> None:
    """Wait, download, look around."""
    # [START wait_for_artifact]
    wait = TaskclusterArtifactSensor(
        task_id="wait",
        taskcluster_task_id="{{ params.taskcluster_task_id }}",
        name="{{ params.artifact }}",
        poke_interval=2,
        timeout=120,
        mode="reschedule",
    )
    # [END wait_for_artifact]
    # [START download_artifact]
    download = TaskclusterDownloadArtifactOperator(
        task_id="download",
        taskcluster_task_id="{{ params.taskcluster_task_id }}",
        name="{{ params.artifact }}",
        destination="{{ params.folder }}/artifact",
    )
    # [END download_artifact]

    @task
    def list_artifacts(task_id: str) -> list[str]:
        """Use the hook in a function: it has everything that the operators have."""
        return [info["name"] for info in TaskclusterHook().list_artifacts(task_id)]

    wait >> download >> list_artifacts("{{ params.taskcluster_task_id }}")


wait_for_artifact()

"""Upload a folder as objects, and a report as an artifact of a running Taskcluster task.

Trigger it with a task and the number of its run, which must be running, for example waiting for the report.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import Asset, AssetAlias, Param, dag

from airflow_provider_taskcluster.operators.artifact_uploads import TaskclusterUploadArtifactOperator
from airflow_provider_taskcluster.operators.folders import TaskclusterUploadFolderOperator


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={
        "folder": Param("/tmp/airflow-demo/site", type="string", description="What to publish"),  # noqa: S108 (an example)
        "taskcluster_task_id": Param("", type="string", description="Id of the Taskcluster task"),
        "taskcluster_run_id": Param(0, type="integer", description="Number of its run"),
    },
    tags=["taskcluster", "example"],
)
def publish() -> None:
    """Upload a folder, then say so in the task."""
    # [START upload_folder]
    upload = TaskclusterUploadFolderOperator(
        task_id="upload",
        folder="{{ params.folder }}",
        prefix="airflow-demo/{{ run_id }}/",
        expires=timedelta(days=1),
        outlets=[Asset("airflow-demo-site"), AssetAlias("airflow-demo-sites")],
    )
    # [END upload_folder]
    # [START upload_artifact]
    report = TaskclusterUploadArtifactOperator(
        task_id="report",
        taskcluster_task_id="{{ params.taskcluster_task_id }}",
        run_id="{{ params.taskcluster_run_id }}",
        name="public/airflow.txt",
        data="{{ run_id }} published {{ ti.xcom_pull('upload')['files'] }} files\n",
        expires=timedelta(days=1),
    )
    # [END upload_artifact]
    upload >> report


publish()

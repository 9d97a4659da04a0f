"""Extract an archive of a Taskcluster task, upload its files as objects, and add a link to them to the task.

Trigger it with ``taskcluster_task_id`` and ``taskcluster_run_id`` of a running task that has published an archive.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import Param, dag, task

from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.operators.artifact_uploads import TaskclusterUploadArtifactOperator
from airflow_provider_taskcluster.operators.artifacts import TaskclusterDownloadArtifactOperator
from airflow_provider_taskcluster.operators.folders import TaskclusterUploadFolderOperator

TASK_ID = "{{ params.taskcluster_task_id }}"
LIFE = timedelta(days=1)


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={
        "taskcluster_task_id": Param("", type="string", description="Id of the Taskcluster task"),
        "taskcluster_run_id": Param(0, type="integer"),
        "artifact": Param("public/site.tar.gz", type="string"),
        "folder": Param("/tmp/airflow-demo", type="string", description="Where it is unpacked"),  # noqa: S108 (an example)
    },
    tags=["taskcluster", "example"],
)
def publish_site() -> None:
    """Unpack, publish, link."""
    # [START extract]
    unpack = TaskclusterDownloadArtifactOperator(
        task_id="unpack",
        taskcluster_task_id=TASK_ID,
        name="{{ params.artifact }}",
        destination="{{ params.folder }}/archive",
        extract_to="{{ params.folder }}/site",
    )
    # [END extract]
    publish = TaskclusterUploadFolderOperator(
        task_id="publish",
        folder="{{ params.folder }}/site",
        prefix=f"airflow-demo/{TASK_ID}/site/",
        expires=LIFE,
    )

    @task
    def index(prefix: str) -> str:
        """Return where the first page is."""
        return TaskclusterHook().object_url(f"{prefix}index.html")

    page = index("{{ ti.xcom_pull(task_ids='publish')['prefix'] }}")
    link = TaskclusterUploadArtifactOperator(
        task_id="link",
        taskcluster_task_id=TASK_ID,
        run_id="{{ params.taskcluster_run_id }}",
        name="public/site.html",
        url="{{ ti.xcom_pull(task_ids='index') }}",
        expires=LIFE,
    )
    unpack >> publish >> page >> link


publish_site()

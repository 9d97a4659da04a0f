"""Download many artifacts of a Taskcluster task to a folder at once, and read them.

Trigger it with the ``taskcluster_task_id`` of a task that has published artifacts. The ``folder`` may be in a bucket
(``s3://conn_id@bucket/folder``): files are streamed there, and need no space on the worker.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.providers.common.compat.sdk import Param, dag, task

from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.operators.payloads import TaskclusterDownloadPayloadOperator


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={
        "taskcluster_task_id": Param("", type="string", description="Id of the Taskcluster task"),
        "folder": Param("/tmp/airflow-demo/payload", type="string", description="Where the files go"),  # noqa: S108 (an example)
    },
    tags=["taskcluster", "example"],
)
def download_payload() -> None:
    """Download, count."""
    # [START download_payload]
    download = TaskclusterDownloadPayloadOperator(
        task_id="download",
        taskcluster_task_id="{{ params.taskcluster_task_id }}",
        prefix="public",
        include=["build/**", "*.json"],
        exclude="*.log",
        destination="{{ params.folder }}",
    )
    # [END download_payload]

    # [START stream_payload]
    @task
    def count_lines(task_id: str) -> dict[str, Any]:
        """Return how many lines there are, in chunks: no file is stored, and no more than one chunk is held."""
        payload = TaskclusterHook().open_payload(task_id, prefix="public")
        lines = sum(chunk.count(b"\n") for _, chunk in payload.chunks("build/**"))
        return {"lines": lines, "files": len(payload.select("build/**"))}
        # [END stream_payload]

    download >> count_lines("{{ params.taskcluster_task_id }}")


download_payload()

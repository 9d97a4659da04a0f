"""Wait for a Taskcluster task, download its artifacts to a bucket, and map a task over the files.

Trigger it with a ``taskcluster_task_id``. The ``folder`` may be any URL that ``ObjectStoragePath`` supports, such as
``s3://my_aws_connection@my-bucket/builds``: files are streamed there, several at once, without a copy on the worker.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from airflow.providers.common.compat.sdk import ObjectStoragePath, Param, dag, task

from airflow_provider_taskcluster.operators.payloads import TaskclusterDownloadPayloadOperator
from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor

TASK_ID = "{{ params.taskcluster_task_id }}"


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={
        "taskcluster_task_id": Param("", type="string", description="Id of the Taskcluster task"),
        "artifact": Param("public/build/target.zip", type="string", description="The last one that it publishes"),
        "folder": Param("file:///tmp/airflow-demo", type="string", description="Where the files go"),
    },
    tags=["taskcluster", "example"],
)
def payload_to_bucket() -> None:
    """Wait, download, look at each file."""
    wait = TaskclusterArtifactSensor(
        task_id="wait",
        taskcluster_task_id=TASK_ID,
        name="{{ params.artifact }}",
        poke_interval=2,
        timeout=120,
        mode="reschedule",
    )
    # [START payload_to_bucket]
    download = TaskclusterDownloadPayloadOperator(
        task_id="download",
        taskcluster_task_id=TASK_ID,
        include="public/build/*",
        exclude="*.log",
        destination="{{ params.folder }}/{{ params.taskcluster_task_id }}",
    )

    @task
    def files(manifest: str) -> list[dict[str, Any]]:
        """Return all files; what the operator returns names the first of them only."""
        listed = json.loads(ObjectStoragePath(manifest).read_bytes())["files"]
        return [{key: file[key] for key in ("name", "path", "size")} for file in listed]

    @task
    def look(file: dict[str, Any]) -> str:
        """Read a file, from wherever it is."""
        content = ObjectStoragePath(file["path"]).read_bytes()
        return f"{file['name']}: {len(content)} of {file['size']} bytes, beginning with {content[:8]!r}"

    listed = files("{{ ti.xcom_pull(task_ids='download')['manifest'] }}")
    wait >> download >> listed
    look.expand(file=listed)
    # [END payload_to_bucket]


payload_to_bucket()

"""Upload a large file in parts, so that a retry sends only the parts that are missing.

Trigger it with a ``file``. When the task's process dies, the next try, which may run on another worker with an empty
disk, goes on: parts that are there are not sent again. No state is kept on the worker for this: the ids of the upload
are derived from its content, or are in Airflow's task state store where the connection has no key that stays the same.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import Param, dag

from airflow_provider_taskcluster.operators.objects import TaskclusterUploadObjectOperator

# Small, to be seen at work; without it parts have 64 MiB or more.
PART_SIZE = 8 * 1024 * 1024


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={
        "file": Param(__file__, type="string", description="Path of a file that every worker sees"),
        "connection": Param("taskcluster_default", type="string", description="Id of the connection"),
    },
    tags=["taskcluster", "example"],
)
def upload_with_retries() -> None:
    """Upload one file."""
    # [START upload_in_parts]
    TaskclusterUploadObjectOperator(
        task_id="upload",
        source="{{ params.file }}",
        name="airflow-demo/{{ run_id }}/large-file",
        expires=timedelta(days=1),
        multipart="always",
        part_size=PART_SIZE,
        taskcluster_conn_id="{{ params.connection }}",
        retries=3,
        retry_delay=timedelta(seconds=5),
    )
    # [END upload_in_parts]


upload_with_retries()

"""Upload a file from a bucket as an object, and download it back to the bucket, without a copy on the worker.

Trigger it with a ``bucket`` that ``ObjectStoragePath`` supports and the name of a ``file`` in it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import Param, dag

from airflow_provider_taskcluster.operators.objects import (
    TaskclusterDownloadObjectOperator,
    TaskclusterUploadObjectOperator,
)


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={
        "bucket": Param("s3://aws_default@my-bucket", type="string", description="URL of a bucket, or of a folder"),
        "file": Param("report.html", type="string", description="Name of a file in it"),
    },
    tags=["taskcluster", "example"],
)
def files_in_buckets() -> None:
    """Upload, then download."""
    # [START buckets]
    upload = TaskclusterUploadObjectOperator(
        task_id="upload",
        source="{{ params.bucket }}/{{ params.file }}",  # s3://aws_default@my-bucket/report.html
        name="airflow-demo/{{ run_id }}/{{ params.file }}",
        expires=timedelta(days=1),
    )
    download = TaskclusterDownloadObjectOperator(
        task_id="download",
        name="airflow-demo/{{ run_id }}/{{ params.file }}",
        destination="{{ params.bucket }}/copies/{{ params.file }}",
    )
    # [END buckets]

    upload >> download


files_in_buckets()

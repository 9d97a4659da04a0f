"""Objects as assets and as files: an upload that tells who waits for it, and a task that reads and writes by path.

A DAG with ``schedule=[Asset("airflow-demo-upload")]`` would run after the upload, and find the object's name, size and
digests in the event's extra. The alias gets an asset of the object itself.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import Asset, AssetAlias, ObjectStoragePath, dag, task

from airflow_provider_taskcluster.operators.objects import TaskclusterUploadObjectOperator

FILES = "taskcluster://taskcluster_default@objects"


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["taskcluster", "example"],
)
def files_and_assets() -> None:
    """Upload, then copy by path."""
    upload = TaskclusterUploadObjectOperator(
        task_id="upload",
        data="written by {{ run_id }}",
        name="airflow-demo/{{ run_id }}/report #1.txt",
        expires=timedelta(days=1),
        outlets=[Asset("airflow-demo-upload"), AssetAlias("airflow-demo-uploads")],
    )

    @task
    def shout(name: str) -> str:
        """Read a file, and write another one; it is uploaded when the block ends well."""
        report: Any = ObjectStoragePath(f"{FILES}/{name}")
        shouted = report.parent / "shouted.txt"
        with report.open() as source, shouted.open("w", expires=timedelta(days=1)) as target:
            target.write(source.read().upper())
        return str(shouted)

    upload >> shout("{{ ti.xcom_pull('upload')['name'] }}")


files_and_assets()

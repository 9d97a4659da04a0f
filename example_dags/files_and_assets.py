"""Upload an object with an asset event, download the object that the event names, and read and write objects by path.

A DAG with ``schedule=[Asset("airflow-demo-upload")]`` would run after the upload, and find the object's name, size and
digests in the event's extra. The alias gets an asset of the object itself.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import Asset, AssetAlias, ObjectStoragePath, Param, dag, task

from airflow_provider_taskcluster.operators.objects import (
    TaskclusterDownloadObjectOperator,
    TaskclusterUploadObjectOperator,
)

REPORT = Asset("airflow-demo-upload")


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={
        "folder": Param("/tmp/airflow-demo", type="string", description="Where the download goes"),  # noqa: S108 (an example)
    },
    tags=["taskcluster", "example"],
)
def files_and_assets() -> None:
    """Upload, then download, and copy by path."""
    # [START assets]
    upload = TaskclusterUploadObjectOperator(
        task_id="upload",
        data="written by {{ run_id }}",
        name="airflow-demo/{{ run_id }}/report #1.txt",
        expires=timedelta(days=1),
        outlets=[REPORT, AssetAlias("airflow-demo-uploads")],
    )
    download = TaskclusterDownloadObjectOperator(
        task_id="download",
        name="{{ inlet_events[0][-1].extra['name'] }}",
        destination="{{ params.folder }}/report.txt",
        inlets=[REPORT],
    )
    # [END assets]

    # [START paths]
    @task
    def shout(name: str) -> str:
        """Read a file, and write another one; it is uploaded when the block ends well."""
        report: Any = ObjectStoragePath(f"taskcluster://taskcluster_default@objects/{name}")
        shouted = report.parent / "shouted.txt"
        with report.open() as source, shouted.open("w", expires=timedelta(days=1)) as target:
            target.write(source.read().upper())
        return str(shouted)

    # [END paths]

    upload >> download
    upload >> shout("{{ ti.xcom_pull('upload')['name'] }}")


files_and_assets()

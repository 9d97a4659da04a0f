"""List the artifacts of a run, read a table with pandas, store it as an object, and copy it elsewhere.

Trigger it with the ``taskcluster_task_id`` of a task that has published the table. The ``folder`` may be any
URL that ``ObjectStoragePath`` supports, such as ``s3://my_aws_connection@my-bucket/tables``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import ObjectStoragePath, Param, dag, task


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={
        "taskcluster_task_id": Param("", type="string", description="Id of the Taskcluster task"),
        "table": Param("public/results.csv", type="string", description="Name of the artifact"),
        "folder": Param("file:///tmp/airflow-demo", type="string", description="Where the copy goes"),
    },
    tags=["taskcluster", "example"],
)
def artifacts_as_tables() -> None:
    """List, convert, copy."""

    # [START tables]
    @task
    def sizes(task_id: str) -> dict[str, int]:
        """Return the sizes of the public artifacts of the latest run."""
        run = ObjectStoragePath(f"taskcluster://taskcluster_default@artifacts/{task_id}/latest")
        return {path.name: path.stat().st_size for path in (run / "public").iterdir()}

    @task
    def convert(task_id: str, name: str, table: str) -> str:
        """Read an artifact with pandas, and write an object."""
        import pandas as pd

        frame = pd.read_csv(f"taskcluster://taskcluster_default@artifacts/{task_id}/latest/{name}")
        converted: Any = ObjectStoragePath(f"taskcluster://taskcluster_default@objects/{table}")
        with converted.open("wb", expires=timedelta(days=1)) as file:
            frame.to_parquet(file)
        return str(converted)

    @task
    def copy(table: str, folder: str) -> None:
        """Copy to another storage; it is verified on the way."""
        ObjectStoragePath(table).copy(ObjectStoragePath(folder) / "results.parquet")

    # [END tables]

    task_id = "{{ params.taskcluster_task_id }}"
    converted = convert(task_id, "{{ params.table }}", "airflow-demo/{{ run_id }}/results.parquet")
    sizes(task_id)
    copy(converted, "{{ params.folder }}")  # type: ignore[arg-type]  # Airflow's types know of no XCom


artifacts_as_tables()

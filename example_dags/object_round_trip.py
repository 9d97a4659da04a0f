"""Upload a file to Taskcluster's object service, wait until the upload is finished, download it, and compare.

Trigger it with a ``file``. The DAG also uploads a short text: up to 8 KiB are sent in the request itself
(``dataInline``), larger data through a signed URL (``putUrl``).
"""

from __future__ import annotations

import filecmp
from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import Param, dag, task

from airflow_provider_taskcluster.operators.objects import (
    TaskclusterDownloadObjectOperator,
    TaskclusterUploadObjectOperator,
)
from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor

FILE_OBJECT = "airflow-demo/{{ run_id }}/file"
NOTE_OBJECT = "airflow-demo/{{ run_id }}/note.txt"


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=5)},
    params={
        "file": Param(__file__, type="string", description="Path of a file on the worker"),
        "folder": Param("/tmp/airflow-demo", type="string", description="Where the downloads go"),  # noqa: S108 (an example)
    },
    tags=["taskcluster", "example"],
)
def object_round_trip() -> None:
    """Upload, wait, download, compare."""
    # [START upload_file]
    upload_file = TaskclusterUploadObjectOperator(
        task_id="upload_file",
        source="{{ params.file }}",
        name=FILE_OBJECT,
        expires=timedelta(days=1),
    )
    # [END upload_file]
    # [START upload_note]
    upload_note = TaskclusterUploadObjectOperator(
        task_id="upload_note",
        data="{{ params.file }} was uploaded by {{ run_id }}\n",
        name=NOTE_OBJECT,
        expires=timedelta(days=1),
    )
    # [END upload_note]
    # [START wait_for_object]
    wait_for_file = TaskclusterObjectSensor(
        task_id="wait_for_file", name=FILE_OBJECT, poke_interval=2, timeout=60, mode="reschedule"
    )
    # [END wait_for_object]
    # [START download_object]
    download_file = TaskclusterDownloadObjectOperator(
        task_id="download_file", name=FILE_OBJECT, destination="{{ params.folder }}/file"
    )
    # [END download_object]
    download_note = TaskclusterDownloadObjectOperator(
        task_id="download_note", name=NOTE_OBJECT, destination="{{ params.folder }}/note.txt"
    )

    @task
    def compare(original: str, copy: str) -> str:
        """Fail unless both files hold the same bytes."""
        if not filecmp.cmp(original, copy, shallow=False):
            raise ValueError(f"{copy} differs from {original}")
        return f"{copy} equals {original}"

    upload_file >> wait_for_file >> download_file >> compare("{{ params.file }}", "{{ params.folder }}/file")
    upload_note >> download_note


object_round_trip()

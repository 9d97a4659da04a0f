"""Uploads and downloads of a variable number of objects by mapped tasks, whose results are counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import dag, task

from airflow_provider_taskcluster.operators.objects import (
    TaskclusterDownloadObjectOperator,
    TaskclusterUploadObjectOperator,
)
from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor

if TYPE_CHECKING:
    from airflow_provider_taskcluster.transfer.model import Transferred

FOLDER = "{{ dag_run.conf['folder'] }}"


@dag(schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), render_template_as_native_obj=True)
def mapped_tasks():
    @task
    def digits() -> list[dict[str, str]]:
        return [{"name": f"mapped/{digit}.txt", "data": str(digit)} for digit in range(3)]

    @task
    def downloads(uploaded: list[Transferred]) -> list[dict[str, str]]:
        return [{"name": result["name"], "destination": result["name"].split("/")[1]} for result in uploaded]

    @task(multiple_outputs=False)
    def in_folder(download: dict[str, str], folder: str) -> dict[str, str]:
        return {**download, "destination": f"{folder}/{download['destination']}"}

    @task
    def total(downloaded: list[Transferred], more: int) -> int:
        return sum(result["size"] for result in downloaded) + more

    upload = TaskclusterUploadObjectOperator.partial(
        task_id="upload", expires=timedelta(days=1), content_type="text/plain"
    ).expand_kwargs(digits())
    wait = TaskclusterObjectSensor.partial(task_id="wait").expand(name=upload.output.map(lambda result: result["name"]))
    chosen = in_folder.partial(folder=FOLDER).expand(download=downloads(upload.output))
    download = TaskclusterDownloadObjectOperator.partial(task_id="download").expand_kwargs(chosen)
    wait >> download
    count = total.override(task_id="count")(download.output, "{{ dag_run.conf['number'] - 1 }}")
    number = TaskclusterUploadObjectOperator(
        task_id="upload_number", name="mapped/{{ dag_run.conf['number'] }}", data=count, expires=timedelta(days=1)
    )
    number >> TaskclusterDownloadObjectOperator(
        task_id="download_number",
        name="mapped/{{ dag_run.conf['number'] }}",
        destination=f"{FOLDER}/{{{{ dag_run.conf['number'] }}}}",
    )


mapped_tasks()

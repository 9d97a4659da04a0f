"""What hand-written code for Taskcluster usually looks like. It is here to be replaced: see the page on migrating."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import requests
import taskcluster
from airflow.providers.common.compat.sdk import Param, dag, task
from taskcluster import upload


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={"taskcluster_task_id": Param("", type="string")},
)
def polling_by_hand() -> None:
    """Wait, download, publish."""

    # [START download]
    @task(retries=3)
    def fetch(task_id: str, name: str, path: str) -> str:
        queue = taskcluster.Queue(taskcluster.optionsFromEnvironment())
        while queue.status(task_id)["status"]["state"] in {"unscheduled", "pending", "running"}:
            time.sleep(30)
        url = queue.buildUrl("getLatestArtifact", task_id, name)
        with requests.get(url, stream=True, timeout=60) as answer, open(path, "wb") as file:
            answer.raise_for_status()
            for chunk in answer.iter_content(1024 * 1024):
                file.write(chunk)
        return path
        # [END download]

    # [START upload]
    @task(retries=3)
    def publish(path: str, name: str) -> None:
        with open(path, "rb") as file:
            upload.uploadFromFile(
                projectId="my-team",
                name=name,
                contentType="application/zip",
                contentLength=Path(path).stat().st_size,
                expires=taskcluster.fromNow("30 days"),
                file=file,
                objectService=taskcluster.Object(taskcluster.optionsFromEnvironment()),
            )
        # [END upload]

    publish(
        fetch("{{ params.taskcluster_task_id }}", "public/build/target.zip", "/tmp/target.zip"),
        "my-team/{{ run_id }}/target.zip",
    )


polling_by_hand()

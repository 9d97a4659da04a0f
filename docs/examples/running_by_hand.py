"""A script that creates a task and polls it. It is here to be replaced: see the page on migrating."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import taskcluster
from airflow.providers.common.compat.sdk import Param, dag, task


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={"task_queue_id": Param("emulator/linux", type="string")},
)
def running_by_hand() -> None:
    """Create a task, and wait."""

    # [START run]
    @task(retries=3)
    def build(task_queue_id: str) -> str:
        queue = taskcluster.Queue(taskcluster.optionsFromEnvironment())
        task_id = taskcluster.slugId()
        queue.createTask(
            task_id,
            {
                "taskQueueId": task_queue_id,
                "created": taskcluster.fromNowJSON("0 seconds"),
                "deadline": taskcluster.fromNowJSON("2 hours"),
                "payload": {"command": [["/bin/sh", "-c", "echo building"]], "maxRunTime": 3600},
                "metadata": {
                    "name": "build",
                    "description": "The build",
                    "owner": "me@example.com",
                    "source": "https://example.com/",
                },
            },
        )
        while (state := queue.status(task_id)["status"]["state"]) in {"unscheduled", "pending", "running"}:
            time.sleep(30)
        if state != "completed":
            raise RuntimeError(f"task {task_id} is {state}")
        return str(task_id)
        # [END run]

    build("{{ params.task_queue_id }}")


running_by_hand()

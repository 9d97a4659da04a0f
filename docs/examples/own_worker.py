"""What the page on the emulator shows of its worker as a library."""

from __future__ import annotations

import time
import urllib.request

from airflow_provider_taskcluster.emulator import Emulator
from airflow_provider_taskcluster.emulator.worker import CommandWorker, Worker


def run_echo() -> str:
    """Run a task, and return its log."""
    # [START worker]
    with Emulator() as tc:
        credentials = {"clientId": tc.client_id, "accessToken": tc.access_token}
        creator = Worker(tc.root_url, credentials, task_queue_id="emulator/linux")
        with CommandWorker(tc.root_url, credentials, task_queue_id="emulator/linux"):
            task_id = creator.create_task(payload={"command": [["echo", "hello"]], "maxRunTime": 60})
            while creator.queue.status(task_id)["status"]["state"] in {"pending", "running"}:
                time.sleep(0.1)
        url = f"{tc.root_url}/api/queue/v1/task/{task_id}/artifacts/public/logs/live.log"
        with urllib.request.urlopen(url) as response:  # noqa: S310 (an example)
            log = response.read().decode()
    # [END worker]
    return log

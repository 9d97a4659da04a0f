"""What the page on the emulator shows of it as a library."""

from __future__ import annotations

from typing import Any

from airflow_provider_taskcluster.emulator import Emulator
from airflow_provider_taskcluster.emulator.worker import Worker


def publish_hello() -> Any:
    """Have a worker publish an artifact."""
    # [START emulator]
    with Emulator() as tc:
        worker = Worker(tc.root_url, {"clientId": tc.client_id, "accessToken": tc.access_token})
        run = worker.run_task(artifacts={"public/hello.txt": b"hello\n"})
        print(run.task_id, tc.environment)  # noqa: T201 (an example)
    # [END emulator]
    return run.task_id

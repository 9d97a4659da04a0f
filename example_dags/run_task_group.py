"""Run a graph of Taskcluster tasks as one task group: a build, two tests of it, and a report on both.

Trigger it with the queue of workers that speak generic-worker's payloads, on Linux. The emulator has such a worker:
``python -m airflow_provider_taskcluster.emulator --worker emulator/linux``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import Param, dag, task

from airflow_provider_taskcluster.operators.groups import TaskclusterRunTaskGroupOperator
from airflow_provider_taskcluster.tasks.generic_worker import generic_worker_payload


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={"task_queue_id": Param("emulator/linux", type="string", description="<provisionerId>/<workerType>")},
    tags=["taskcluster", "example"],
)
def run_task_group() -> None:
    """Run a graph of tasks, and use its result."""
    # [START run_task_group]
    minutes = timedelta(minutes=5)
    graph = TaskclusterRunTaskGroupOperator(
        task_id="graph",
        task_queue_id="{{ params.task_queue_id }}",
        tasks={
            "build": {"payload": generic_worker_payload(["echo", "built in {{ run_id }}"], max_run_time=minutes)},
            "test-unit": {
                "payload": generic_worker_payload(["echo", "tested"], max_run_time=minutes),
                "dependencies": ["build"],
            },
            "test-browser": {
                "payload": generic_worker_payload(["echo", "tested"], max_run_time=minutes),
                "dependencies": ["build"],
            },
            "report": {
                "payload": generic_worker_payload(["echo", "reported"], max_run_time=minutes),
                "dependencies": ["test-unit", "test-browser"],
            },
        },
        deadline=timedelta(hours=2),
        poll_interval=2,
        retries=2,
    )
    # [END run_task_group]

    # [START result]
    @task
    def built_by(ran: Any) -> str:
        """Use what the graph returned: the tasks by their labels."""
        return f"task {ran['build']['task_id']}, run {ran['build']['run_id']}"
        # [END result]

    built_by(graph.output)


run_task_group()

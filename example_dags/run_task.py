"""Run Taskcluster tasks: one that counts the lines of a text, and one for each of several numbers.

Trigger it with the queue of workers that speak generic-worker's payloads, on Linux. The emulator has such a worker:
``python -m airflow_provider_taskcluster.emulator --worker emulator/linux``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import Param, dag, task

from airflow_provider_taskcluster.operators.run_task import TaskclusterRunTaskOperator
from airflow_provider_taskcluster.tasks.generic_worker import file_artifact, generic_worker_payload

COUNT = """
echo "counting the lines of $NAME"
lines=$(printf 'one\\ntwo\\nthree\\n' | wc -l)
echo "{\\"name\\": \\"$NAME\\", \\"lines\\": $lines}" > result.json
"""


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={"task_queue_id": Param("emulator/linux", type="string", description="<provisionerId>/<workerType>")},
    tags=["taskcluster", "example"],
)
def run_task() -> None:
    """Run a task, use its result, and run a task for each number."""
    # [START run_task]
    count = TaskclusterRunTaskOperator(
        task_id="count",
        task_queue_id="{{ params.task_queue_id }}",
        payload=generic_worker_payload(
            ["/bin/sh", "-c", COUNT],
            max_run_time=timedelta(minutes=5),
            env={"NAME": "numbers of {{ run_id }}"},
            artifacts=[file_artifact("result.json", "public/result.json")],
        ),
        result_artifact="public/result.json",
        poll_interval=2,
        retries=2,
    )
    # [END run_task]

    # [START result]
    @task
    def report(ran: Any) -> str:
        """Use what the task returned."""
        return f"{ran['result']['lines']} lines, counted by task {ran['task_id']}"
        # [END result]

    # [START mapped]
    squares = TaskclusterRunTaskOperator.partial(
        task_id="squares",
        task_queue_id="{{ params.task_queue_id }}",
        deadline=timedelta(hours=1),
        log="none",
        poll_interval=2,
    ).expand(
        payload=[
            generic_worker_payload(["/bin/sh", "-c", f"echo $(({number} * {number}))"], max_run_time=60)
            for number in range(3)
        ]
    )
    # [END mapped]

    report(count.output)
    count >> squares


run_task()

"""Run Python functions as Taskcluster tasks: one that counts words, one for each of several texts, one that may skip.

Trigger it with the queue of workers that speak generic-worker's payloads and have a Python, on Linux. The emulator has
such a worker: ``python -m airflow_provider_taskcluster.emulator --worker emulator/linux``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import Param, dag, task


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={
        "task_queue_id": Param("emulator/linux", type="string", description="<provisionerId>/<workerType>"),
        "text": Param("to be or not to be", type="string"),
    },
    default_args={"poll_interval": 2},
    tags=["taskcluster", "example"],
)
def python_function() -> None:
    """Count words on Taskcluster."""

    # [START function]
    @task.taskcluster(
        task_queue_id="{{ params.task_queue_id }}",
        max_run_time=timedelta(minutes=5),
        payload={"env": {"LABEL": "words of {{ run_id }}"}},
        retries=2,
    )
    def count(text: str, least: int = 1) -> dict[str, int]:
        """Return how often each word occurs."""
        import os
        from collections import Counter

        print("counting the", os.environ["LABEL"])  # noqa: T201 (in the log of the task)
        return {word: often for word, often in Counter(text.split()).items() if often >= least}

    counted = count("{{ params.text }}", least=2)
    # [END function]

    # [START mapped]
    @task.taskcluster(task_queue_id="{{ params.task_queue_id }}", serializer="json", deferrable=True)
    def length(word: str) -> int:
        """Return the length of a word."""
        return len(word)

    @task
    def words(counted: Any) -> list[str]:
        """Return the words, which are mapped over."""
        return sorted(counted)

    lengths = length.expand(word=words(counted))
    # [END mapped]

    # [START skip]
    @task.taskcluster(task_queue_id="{{ params.task_queue_id }}")
    def longest(lengths: Any) -> int:
        """Return the largest length; skip if there is none."""

        class AirflowSkipException(Exception):
            """Stands for Airflow's own, where the worker has no Airflow."""

        if not lengths:
            raise AirflowSkipException("no word occurs twice")
        return int(max(lengths))
        # [END skip]

    @task(trigger_rule="none_failed")
    def report(counted: Any, longest: Any) -> str:
        """Use what the functions returned."""
        return f"{len(counted)} words occur twice, the longest has {longest} letters"

    report(counted, longest(lengths))


python_function()

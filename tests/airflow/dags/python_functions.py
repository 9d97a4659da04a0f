"""Python functions that run as Taskcluster tasks: what they take, return and raise."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import dag, task

DEFERRABLE = False
LARGE = "x"


@dag(schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), default_args={"retry_delay": timedelta(0)})
def python_functions():
    usual: dict[str, Any] = {
        "task_queue_id": "{{ dag_run.conf.queue }}",
        "python_command": os.path.realpath(sys.executable),  # without Airflow, which takes seconds
        "poll_interval": 0.2,
        "deferrable": DEFERRABLE,
        "max_run_time": timedelta(minutes=1),
    }

    @task.taskcluster(
        **usual,
        payload={"env": {"GREETING": "hello, {{ run_id }}"}},
        multiple_outputs=True,
    )
    def told(
        name: str,
        *others: int,
        unicode: str = "žluťoučký 🐎",
        default: tuple[int, ...] = (1, 2),
        run_id: str,
    ) -> dict[str, Any]:
        """Return what came."""
        import os

        left = [key for key in os.environ if key.startswith("AIRFLOW_FUNCTION_")]
        return {
            "name": name,
            "others": others,
            "unicode": f"""{unicode}
            two lines""",
            "default": default,
            "run": run_id,
            "task": os.environ["TASK_ID"],
            "greeting": os.environ["GREETING"],
            "left": left,
        }

    @task.taskcluster(**usual)
    def nothing() -> None:
        return None

    @task.taskcluster(**usual)
    def doubled(text: str) -> str:
        return text * 2

    @task.taskcluster(**usual)
    def squared(number: int) -> int:
        return number * number

    @task.taskcluster(**usual)
    def summed(numbers: list[int]) -> int:
        return sum(numbers)

    @task.taskcluster(**{**usual, "python_command": sys.executable})
    def skipped() -> None:
        from airflow.exceptions import AirflowSkipException

        raise AirflowSkipException("nothing to do today")

    @task.taskcluster(**usual)
    def skipped_without_airflow() -> None:
        class AirflowSkipException(Exception):
            pass

        raise AirflowSkipException("nor here")

    @task(trigger_rule="all_done")
    def check(told: dict[str, Any], total: int, *, run_id: Any = None, **_: Any) -> None:
        assert (told["name"], list(told["others"]), list(told["default"])) == ("Ann", [2, 3], [1, 2])
        assert (told["run"], told["greeting"], told["left"]) == (run_id, f"hello, {run_id}", [])
        assert total == 14

    named = told("Ann", 2, 3, run_id="{{ run_id }}")
    squares = squared.expand(number=[1, 2, 3])
    total = summed(squares)
    large = doubled(LARGE)
    check(named, total)
    nothing()
    skipped()
    skipped_without_airflow.override(serializer="json")()
    _ = large


python_functions()

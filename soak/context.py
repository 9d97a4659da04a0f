"""The part of Airflow's context that operators use, for one try of a task."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

_START = datetime.now(UTC)


class _TaskInstance:
    dag_id, task_id, map_index, max_tries, try_number = "soak", "run", -1, 0, 1
    next_method = None

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.start_date = datetime.now(UTC)

    def xcom_push(self, key: str, value: Any) -> None:
        """Forget it: there is no other try."""

    def xcom_pull(self, **_: Any) -> None:
        """Return nothing: there was no other try."""


def context(run_id: str) -> Any:
    """Return the context of the only try of a task in a DAG run."""
    dag_run = SimpleNamespace(start_date=_START)
    return {"ti": _TaskInstance(run_id), "dag_run": dag_run, "task_state_store": None}

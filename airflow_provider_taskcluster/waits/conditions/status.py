"""Reads the status of a task: states, runs, and whether anything new can still come. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.common.task_states import RESOLVED
from airflow_provider_taskcluster.exceptions import WillNotCome

if TYPE_CHECKING:
    from airflow_provider_taskcluster.services.schemas import TaskRun, TaskStatus
    from airflow_provider_taskcluster.waits.results import ReachedTask

LOG = "public/logs/live.log"


def is_resolved(status: TaskStatus) -> bool:
    """Tell whether the task has ended. During an automatic retry it has not: that is a new pending run."""
    return status["state"] in RESOLVED


def run_of(status: TaskStatus, run_id: int | None) -> TaskRun | None:
    """Return a run by its number, or the latest for None; None if there is no such run yet."""
    runs = status["runs"]
    if run_id is None:
        return runs[-1] if runs else None
    return runs[run_id] if run_id < len(runs) else None


def is_over(status: TaskStatus, run_id: int | None, *, wait_for_rerun: bool) -> bool:
    """Tell whether nothing new can come: the named run is resolved, or the task is and will not be rerun."""
    run = run_of(status, run_id)
    if run_id is not None and run is not None:
        return run["state"] in RESOLVED
    return is_resolved(status) and not wait_for_rerun


def has_reached(status: TaskStatus, states: list[str]) -> bool:
    """Tell whether the task is in one of the states, or has passed one that leads to others."""
    run = run_of(status, None)
    passed = {
        "unscheduled": True,
        "pending": run is not None,
        "running": run is not None and "started" in run,
    }
    return any(status["state"] == state or passed.get(state, False) for state in states)


def was_rerun_since(status: TaskStatus, start: datetime | None) -> bool:
    """Tell whether a rerun has added a run to the task since a time; False for None."""
    reruns = [run.get("scheduled") for run in status["runs"] if run.get("reasonCreated") == "rerun"]
    return start is not None and any(time and datetime.fromisoformat(time) >= start for time in reruns)


def reached_task(status: TaskStatus) -> ReachedTask:
    """Return the status as XCom gets it."""
    run = run_of(status, None)
    return {
        "task_id": status["taskId"],
        "state": status["state"],
        "run_id": run["runId"] if run else None,
        "reason_resolved": run.get("reasonResolved") if run else None,
    }


def resolution(status: TaskStatus, run_id: int | None, root_url: str) -> str:
    """Say how a run ended (None: the latest), with a link to its log."""
    run = run_of(status, run_id)
    if run is None:
        return f"the task is {status['state']} and has no run {run_id or 0}"
    log = f"{root_url}/tasks/{status['taskId']}/runs/{run['runId']}/logs/{quote(LOG)}"
    return f"run {run['runId']} is {run['state']} ({visible(run.get('reasonResolved', 'no reason'))}), its log: {log}"


def no_such_task(task_id: str) -> WillNotCome:
    """Return the error for a task ID that the queue does not know."""
    return WillNotCome(f"There is no task {task_id}, or it has expired: check the ID")

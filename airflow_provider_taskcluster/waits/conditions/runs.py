"""The wait for the end of one run of a task, through the retries that the queue makes by itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.common.task_states import RESOLVED
from airflow_provider_taskcluster.exceptions import WillNotCome
from airflow_provider_taskcluster.waits.conditions.blocked import blocked_by, blockers
from airflow_provider_taskcluster.waits.conditions.status import no_such_task
from airflow_provider_taskcluster.waits.protocol import Found, NotYet, Over
from airflow_provider_taskcluster.waits.questions import StatusOf

if TYPE_CHECKING:
    from airflow_provider_taskcluster.services.schemas import TaskRun, TaskStatus
    from airflow_provider_taskcluster.waits.conditions.blocked import Requirements
    from airflow_provider_taskcluster.waits.protocol import LookSteps

# ``reasonCreated`` of a run that the queue adds in the moment when it resolves the one before.
_RETRIES = {"retry", "task-retry"}


class _Memory(TypedDict):
    """What one look leaves for the next: the run that is followed, and what an unscheduled task waits for."""

    run_id: int | None
    requirements: Requirements | None


def followed_run(status: TaskStatus, run_id: int | None) -> TaskRun | None:
    """Return the run that is followed now: the given one, or the last of the queue's retries of it.

    :param run_id: The run that was followed; None for the first one that appears.
    :return: None if the task has no such run yet.
    """
    runs = status["runs"]
    number = run_id or 0
    if number >= len(runs):
        return None
    while number + 1 < len(runs) and runs[number + 1].get("reasonCreated") in _RETRIES:
        number += 1
    return runs[number]


def ended_run(status: TaskStatus, run_id: int | None) -> TaskRun | None:
    """Return the run that is followed if it is resolved for good, else None.

    A later rerun by somebody does not change how it ended.
    """
    run = followed_run(status, run_id)
    return run if run is not None and run["state"] in RESOLVED else None


def where_it_stands(status: TaskStatus, run_id: int | None) -> str:
    """Say where a task that is not resolved stands."""
    run = followed_run(status, run_id)
    if run is None:
        return f"Task {status['taskId']} is unscheduled: it waits for other tasks, or for somebody to schedule it"
    since = run.get("started") or run.get("scheduled")
    worker = f" on {worker_of(run)}" if "workerId" in run else ""
    return f"Task {status['taskId']}: run {run['runId']} is {run['state']}{worker} since {since}"


def worker_of(run: TaskRun) -> str | None:
    """Return the worker of a run, ``<workerGroup>/<workerId>``; None before the claim."""
    return f"{visible(run.get('workerGroup'))}/{visible(run['workerId'])}" if "workerId" in run else None


@dataclass(frozen=True, kw_only=True)
class RunWait:
    """The run of a task that is followed ends. Found: ``task_id`` and ``run_id``.

    :param task_id: The task.
    :param run_id: The run that is followed; None for the first one that appears.
    """

    task_id: str
    run_id: int | None = None

    service = "queue"

    def talk(self, root_url: str, memory: _Memory | None) -> LookSteps:
        """Look once. Scope ``queue:status:<taskId>``.

        With ``queue:get-task:<taskId>``, and ``queue:status:<taskId>`` of its dependencies, a blocked task is noticed.
        """
        kept: _Memory = memory or {"run_id": self.run_id, "requirements": None}
        question = StatusOf(self.task_id)
        status: TaskStatus | None = (yield [question])[question]
        if status is None:
            return Over(no_such_task(self.task_id))
        if ended := ended_run(status, kept["run_id"]):
            return Found({"task_id": self.task_id, "run_id": ended["runId"]})
        run = followed_run(status, kept["run_id"])
        requirements = kept["requirements"]
        if status["state"] == "unscheduled":
            blocked, requirements = yield from blockers([self.task_id], requirements)
            if failed := blocked.get(self.task_id):
                return Over(_blocked(self.task_id, failed, root_url))
        followed = run["runId"] if run else kept["run_id"]
        return NotYet(where_it_stands(status, kept["run_id"]), {"run_id": followed, "requirements": requirements})


def _blocked(task_id: str, failed: TaskStatus, root_url: str) -> WillNotCome:
    return WillNotCome(f"Task {task_id} is unscheduled and will not run: {blocked_by(failed, root_url)}")

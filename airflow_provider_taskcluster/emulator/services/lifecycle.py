"""The life of a task: runs that are pending, running, resolved; retries; what happens when time runs out.

Pure: a task is its status document, and every change is given the instant at which it happens.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_taskcluster.emulator.clock import from_json, to_json
from airflow_provider_taskcluster.emulator.errors import RequestConflict, ResourceNotFound

# The reasons of an exception for which the queue itself tries again, and what the new run is called.
RETRIED = {"worker-shutdown": "retry", "claim-expired": "retry", "intermittent-task": "task-retry"}
UNRESOLVED = ("unscheduled", "pending", "running")
STATUS_FIELDS = (
    *("provisionerId", "workerType", "taskQueueId", "schedulerId", "projectId"),
    *("taskGroupId", "priority", "deadline", "expires"),
)


class Task:
    """A task's status, as the API answers it, and what can happen to it."""

    def __init__(self, status: dict[str, Any]) -> None:
        self.status = status

    @classmethod
    def new(cls, task_id: str, definition: dict[str, Any], now: int) -> Task:
        """A task that has just been created, its first run pending."""
        fields = {name: definition[name] for name in STATUS_FIELDS}
        task = cls({"taskId": task_id, **fields, "retriesLeft": definition["retries"], "runs": []})
        task._add_run("scheduled", now)
        return task

    @property
    def task_id(self) -> str:
        """The task's id."""
        return str(self.status["taskId"])

    @property
    def state(self) -> str:
        """The state of the task, which is that of its last run."""
        return str(self.status["state"])

    @property
    def runs(self) -> list[dict[str, Any]]:
        """All runs, by run id."""
        runs: list[dict[str, Any]] = self.status["runs"]
        return runs

    @property
    def latest_run_id(self) -> int:
        """The id of the last run, or ResourceNotFound."""
        if not self.runs:
            raise ResourceNotFound("Task doesn't have any runs")
        return len(self.runs) - 1

    def run(self, run_id: int) -> dict[str, Any]:
        """A run, or ResourceNotFound."""
        if run_id >= len(self.runs):
            raise ResourceNotFound(f"Run {run_id} not found on task `{self.task_id}`.")
        return self.runs[run_id]

    def claim(self, *, worker_group: str, worker_id: str, until: int, now: int) -> dict[str, Any]:
        """Give the pending run to a worker."""
        run = self.runs[-1]
        run.update(
            state="running",
            workerGroup=worker_group,
            workerId=worker_id,
            takenUntil=to_json(until),
            started=to_json(now),
        )
        self._follow()
        return run

    def reclaim(self, run_id: int, until: int) -> dict[str, Any]:
        """Let a worker keep its run for longer."""
        run = self.run(run_id)
        if run["state"] != "running":
            raise RequestConflict(f"Run {run_id} on task `{self.task_id}` is resolved or not running.")
        run["takenUntil"] = to_json(until)
        return run

    def resolve(self, run_id: int, state: str, reason: str, now: int) -> None:
        """End a running run. Saying the same twice is fine, saying something else is a conflict."""
        run = self.run(run_id)
        if (run["state"], run.get("reasonResolved")) == (state, reason):
            return
        if run["state"] != "running":
            raise RequestConflict(f"Run {run_id} on task `{self.task_id}` is resolved or not running.")
        self._end(run, state, reason, now)
        if reason in RETRIED:
            self._retry(RETRIED[reason], now)

    def rerun(self, retries: int, now: int) -> None:
        """Schedule a resolved task once more; one that is not resolved goes on as it is."""
        if self.state in UNRESOLVED:
            return
        self.status["retriesLeft"] = retries
        self._add_run("rerun", now)

    def settle(self, now: int) -> bool:
        """What time alone does: deadlines and claims run out. Whether anything changed."""
        if self.state not in UNRESOLVED:
            return False
        deadline = from_json(self.status["deadline"])
        run = self.runs[-1]
        if deadline <= now:
            self._end(run, "exception", "deadline-exceeded", deadline)
            return True
        if run["state"] == "running" and (taken := from_json(run["takenUntil"])) <= now:
            self._end(run, "exception", "claim-expired", taken)
            self._retry(RETRIED["claim-expired"], taken)
            return True
        return False

    def _end(self, run: dict[str, Any], state: str, reason: str, now: int) -> None:
        run.update(state=state, reasonResolved=reason, resolved=to_json(now))
        run.pop("takenUntil", None)
        self._follow()

    def _retry(self, reason: str, now: int) -> None:
        if self.status["retriesLeft"] > 0:
            self.status["retriesLeft"] -= 1
            self._add_run(reason, now)

    def _add_run(self, reason: str, now: int) -> None:
        self.runs.append(
            {
                "runId": len(self.runs),
                "state": "pending",
                "reasonCreated": reason,
                "scheduled": to_json(now),
            }
        )
        self._follow()

    def _follow(self) -> None:
        self.status["state"] = self.runs[-1]["state"]

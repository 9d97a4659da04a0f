"""The life of a task: runs that are pending, running, resolved; retries; what happens when time runs out.

Pure: a task is its status document, and every change is given the instant at which it happens.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_taskcluster.emulator.clock import from_json, to_json
from airflow_provider_taskcluster.emulator.errors import RequestConflict, ResourceNotFound

# The reasons of an exception for which the queue itself tries again, and what the new run is called.
RETRIED = {"worker-shutdown": "retry", "claim-expired": "retry", "intermittent-task": "task-retry"}
SCHEDULED = ("pending", "running")
UNRESOLVED = ("unscheduled", *SCHEDULED)
STATUS_FIELDS = (
    *("provisionerId", "workerType", "taskQueueId", "schedulerId", "projectId"),
    *("taskGroupId", "priority", "deadline", "expires"),
)


class Task:
    """A task's status, as the API answers it, and what can happen to it."""

    def __init__(self, status: dict[str, Any]) -> None:
        self.status = status

    @classmethod
    def new(cls, task_id: str, definition: dict[str, Any]) -> Task:
        """A task that has just been created, unscheduled: it has no runs."""
        fields = {name: definition[name] for name in STATUS_FIELDS}
        return cls(
            {"taskId": task_id, **fields, "retriesLeft": definition["retries"], "state": "unscheduled", "runs": []}
        )

    @property
    def task_id(self) -> str:
        """The task's id."""
        return str(self.status["taskId"])

    @property
    def state(self) -> str:
        """The state of the task, which is that of its last run."""
        return str(self.status["state"])

    @property
    def is_resolved(self) -> bool:
        """Whether the task has come to an end, which a rerun may undo."""
        return self.state not in UNRESOLVED

    @property
    def due(self) -> int | None:
        """When time alone will change the task, by its deadline or the end of a claim; None if it is resolved."""
        if self.is_resolved:
            return None
        moments = [self.status["deadline"], *(run["takenUntil"] for run in self.runs[-1:] if "takenUntil" in run)]
        return min(map(from_json, moments))

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

    def schedule(self, now: int) -> None:
        """Add the first run, if there is none yet; past its deadline a task cannot be scheduled."""
        self._check_deadline("scheduled", now)
        if not self.runs:
            self._add_run("scheduled", now)

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
        """Schedule a resolved task once more, or one that was never scheduled; others go on as they are."""
        self._check_deadline("rescheduled", now)
        if self.state not in SCHEDULED:
            self.status["retriesLeft"] = retries
            self._add_run("rerun", now)

    def cancel(self, now: int) -> None:
        """End a task that is not resolved; one that is stays as it is."""
        self._check_deadline("canceled", now)
        if not self.is_resolved:
            self._give_up("canceled", now)

    def settle(self, now: int) -> None:
        """What time alone does: deadlines and claims run out, one of them with each call."""
        if self.due is None or self.due > now:
            return
        if self.due == from_json(self.status["deadline"]):
            self._give_up("deadline-exceeded", self.due)
            return
        expired = self.due
        self._end(self.runs[-1], "exception", "claim-expired", expired)
        self._retry(RETRIED["claim-expired"], expired)

    def is_overdue(self, now: int) -> bool:
        """Whether the deadline is over."""
        return from_json(self.status["deadline"]) <= now

    def _check_deadline(self, verb: str, now: int) -> None:
        if self.is_overdue(now):
            raise RequestConflict(
                f"Task `{self.task_id}` can't be {verb} past its deadline of {self.status['deadline']}."
            )

    def _give_up(self, reason: str, now: int) -> None:
        """End the last run as an exception; a task without runs gets one for it."""
        if not self.runs:
            self._add_run("exception", now)
        self._end(self.runs[-1], "exception", reason, now)

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

"""Life cycle of a task: states of its runs, retries, and timeouts.

Pure: a task is its status document, and every change is given the time at which it happens.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_taskcluster.emulator.clock import MINUTE, from_json, to_json
from airflow_provider_taskcluster.emulator.errors import RequestConflict, ResourceNotFound

# Reasons of an exception after which the queue retries, with the reason of the new run's creation.
RETRIED = {"worker-shutdown": "retry", "claim-expired": "retry", "intermittent-task": "task-retry"}
SCHEDULED = ("pending", "running")
MOST_RUNS = 50
RESOLVER_DELAY = MINUTE
UNRESOLVED = ("unscheduled", *SCHEDULED)
STATUS_FIELDS = (
    *("provisionerId", "workerType", "taskQueueId", "schedulerId", "projectId"),
    *("taskGroupId", "priority", "deadline", "expires"),
)


class Task:
    """A task's status, as the API returns it, and its transitions."""

    def __init__(self, status: dict[str, Any]) -> None:
        self.status = status

    @classmethod
    def new(cls, task_id: str, definition: dict[str, Any]) -> Task:
        """Return a new unscheduled task, which has no runs."""
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
        """Whether the task is resolved, which a rerun may undo."""
        return self.state not in UNRESOLVED

    @property
    def due(self) -> int | None:
        """When the task will time out, by its deadline or the end of a claim; None if it is resolved."""
        if self.is_resolved:
            return None
        claims = [from_json(self.runs[-1]["takenUntil"])] if self.state == "running" else []
        return min([self._timeout, *claims])

    @property
    def _timeout(self) -> int:
        """When the queue ends the task, some time after its deadline."""
        return from_json(self.status["deadline"]) + RESOLVER_DELAY

    @property
    def runs(self) -> list[dict[str, Any]]:
        """All runs, in the order of their ids."""
        runs: list[dict[str, Any]] = self.status["runs"]
        return runs

    @property
    def latest_run_id(self) -> int:
        """The id of the last run; ResourceNotFound without runs."""
        if not self.runs:
            raise ResourceNotFound("Task doesn't have any runs")
        return len(self.runs) - 1

    def run(self, run_id: int) -> dict[str, Any]:
        """Return a run, or raise ResourceNotFound."""
        if run_id >= len(self.runs):
            raise ResourceNotFound(f"Run {run_id} not found on task `{self.task_id}`.")
        return self.runs[run_id]

    def events_since(self, before: Task) -> list[str]:
        """Return the states that runs got since an earlier status, in the order of the runs."""
        earlier = [run["state"] for run in before.runs] + [None] * len(self.runs)
        return [run["state"] for run, state in zip(self.runs, earlier, strict=False) if run["state"] != state]

    def schedule(self, now: int) -> None:
        """Add the first run unless there is one; RequestConflict past the deadline."""
        self.check_deadline("scheduled", now)
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
        self._update_state()
        return run

    def reclaim(self, run_id: int, until: int, now: int) -> dict[str, Any]:
        """Extend a worker's claim of a run."""
        run = self.run(run_id)
        if run["state"] != "running":
            raise RequestConflict(f"Run {run_id} on task `{self.task_id}` is resolved or not running.")
        self.check_deadline("reclaimed", now)
        run["takenUntil"] = to_json(until)
        return run

    def resolve(self, run_id: int, state: str, reason: str, now: int) -> None:
        """End a running run; repeating the call changes nothing, another result is a conflict."""
        run = self.run(run_id)
        if (run["state"], run.get("reasonResolved")) == (state, reason):
            return
        if run["state"] != "running":
            raise RequestConflict(f"Run {run_id} on task `{self.task_id}` is resolved or not running.")
        self._end(run, state, reason, now)
        if reason in RETRIED:
            self._retry(RETRIED[reason], now)

    def rerun(self, retries: int, now: int) -> None:
        """Add a run to a resolved or unscheduled task; other tasks do not change."""
        self.check_deadline("rescheduled", now)
        if self.state not in SCHEDULED:
            if len(self.runs) >= MOST_RUNS:
                raise RequestConflict(f"Task `{self.task_id}` already has {len(self.runs)} runs: it cannot be rerun")
            self.status["retriesLeft"] = retries
            self._add_run("rerun", now)

    def cancel(self, now: int) -> None:
        """Cancel a task unless it is resolved."""
        self.check_deadline("canceled", now)
        if not self.is_resolved:
            self.end_task("canceled", now)

    def apply_timeout(self, now: int) -> None:
        """Apply the first timeout that is due, of the deadline or of a claim."""
        if self.due is None or self.due > now:
            return
        if self.due == self._timeout:
            self.end_task("deadline-exceeded", self.due)
            return
        expired = self.due
        self._end(self.runs[-1], "exception", "claim-expired", expired)
        self._retry(RETRIED["claim-expired"], expired)

    def is_overdue(self, now: int) -> bool:
        """Whether the deadline has passed."""
        return from_json(self.status["deadline"]) <= now

    def was_canceled_since(self, instant: int) -> bool:
        """Whether the last run was canceled, and not before an instant."""
        last = self.runs[-1] if self.runs else {}
        return last.get("reasonResolved") == "canceled" and from_json(last["resolved"]) >= instant

    def check_deadline(self, verb: str, now: int) -> None:
        """Raise RequestConflict past the deadline."""
        if self.is_overdue(now):
            raise RequestConflict(
                f"Task `{self.task_id}` can't be {verb} past its deadline of {self.status['deadline']}."
            )

    def end_task(self, reason: str, now: int) -> None:
        """End the last run as an exception, also past the deadline; a task without runs gets one."""
        if not self.runs:
            self._add_run("exception", now)
        self._end(self.runs[-1], "exception", reason, now)

    def _end(self, run: dict[str, Any], state: str, reason: str, now: int) -> None:
        run.update(state=state, reasonResolved=reason, resolved=to_json(now))
        self._update_state()

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
        self._update_state()

    def _update_state(self) -> None:
        self.status["state"] = self.runs[-1]["state"]

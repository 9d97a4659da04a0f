"""Runs of tasks, as workers use them: claim, reclaim and resolve."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.clock import SECOND, from_json, to_json

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.auth.caller import Caller
    from airflow_provider_taskcluster.emulator.context import Context
    from airflow_provider_taskcluster.emulator.schemas.tasks import ClaimWork, ReportException

    from .lifecycle import Task
    from .tasks import TaskService

# How often a waiting claimWork looks for tasks. Tests create them and set the clock from other threads.
LOOK_SECONDS = 0.05


class RunService:
    """Claims and resolutions of runs, with credentials for workers."""

    def __init__(self, context: Context, tasks: TaskService) -> None:
        self._database = context.database
        self._clock = context.clock
        self._accounts = context.accounts
        self._settings = context.settings
        self._tasks = tasks
        self._waits = True

    async def claim_work(self, caller: Caller, task_queue_id: str, request: ClaimWork) -> dict[str, Any]:
        """Claim pending runs of a queue, most urgent first; waits until there is one, or else up to 20 s.

        It answers with one run even if the worker asked for more.
        """
        caller.require(f"queue:claim-work:{task_queue_id}", f"queue:worker-id:{request.workerGroup}/{request.workerId}")
        end = time.monotonic() + self._settings.claim_work_seconds
        while not (claims := self._claim_pending(task_queue_id, request)):
            if not self._waits or time.monotonic() >= end:
                break
            await asyncio.sleep(LOOK_SECONDS)
        return {"tasks": claims}

    def end_waits(self) -> None:
        """Answer the calls of claim_work that wait, as if their time was over, and let no other wait."""
        self._waits = False

    def reclaim_task(self, _: Caller, task_id: str, run_id: int) -> dict[str, Any]:
        """Extend the claim of a run, by 20 minutes from now."""
        with self._database.transaction():
            task = self._tasks.load(task_id)
            run = task.reclaim(run_id, self._until(), self._clock.now())
            self._tasks.save(task)
        return {"status": task.status, **self._claimed(task, run)}

    def report_completed(self, _: Caller, task_id: str, run_id: int) -> dict[str, Any]:
        """Resolve a run as completed."""
        return self._resolve(task_id, run_id, "completed", "completed")

    def report_failed(self, _: Caller, task_id: str, run_id: int) -> dict[str, Any]:
        """Resolve a run as failed."""
        return self._resolve(task_id, run_id, "failed", "failed")

    def report_exception(self, _: Caller, task_id: str, run_id: int, request: ReportException) -> dict[str, Any]:
        """Resolve a run as an exception; some reasons start a new run while retries are left."""
        return self._resolve(task_id, run_id, "exception", request.reason)

    def _resolve(self, task_id: str, run_id: int, state: str, reason: str) -> dict[str, Any]:
        with self._database.transaction():
            task = self._tasks.load(task_id)
            task.resolve(run_id, state, reason, self._clock.now())
            self._tasks.save(task)
        return {"status": task.status}

    def _claim_pending(self, task_queue_id: str, request: ClaimWork) -> list[dict[str, Any]]:
        with self._database.transaction():
            return [self._claim(task, request) for task in self._tasks.pending(task_queue_id, request.tasks)]

    def _until(self) -> int:
        """Return when a claim that begins now ends."""
        return self._clock.now() + int(self._settings.claim_seconds * SECOND)

    def _claim(self, task: Task, request: ClaimWork) -> dict[str, Any]:
        until, now = self._until(), self._clock.now()
        run = task.claim(worker_group=request.workerGroup, worker_id=request.workerId, until=until, now=now)
        self._tasks.save(task)
        definition = self._tasks.definition(task.task_id)
        claimed = self._claimed(task, run)
        taken_until = claimed["takenUntil"].replace("Z", "+00:00")  # written so by this call alone
        return {"status": task.status, "task": definition, **claimed, "takenUntil": taken_until}

    def _claimed(self, task: Task, run: dict[str, Any]) -> dict[str, Any]:
        """Describe a claim for its worker, with credentials for this run only."""
        until = from_json(run["takenUntil"])
        name = f"{task.task_id}/{run['runId']}"
        client_id = f"task-client/{name}/on/{run['workerGroup']}/{run['workerId']}/until/{until / SECOND:.3f}"
        scopes = [
            *(f"queue:{verb}:{name}" for verb in ("reclaim-task", "resolve-task", "create-artifact")),
            *self._tasks.definition(task.task_id)["scopes"],
        ]
        return {
            "runId": run["runId"],
            "workerGroup": run["workerGroup"],
            "workerId": run["workerId"],
            "takenUntil": to_json(until),
            "credentials": self._accounts.temporary(client_id, scopes, expiry=until),
        }

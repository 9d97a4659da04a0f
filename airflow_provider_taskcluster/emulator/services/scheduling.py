"""Scheduling of tasks by their owners: schedule, rerun and cancel."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.clock import SECOND
from airflow_provider_taskcluster.emulator.errors import RequestConflict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_taskcluster.emulator.auth.caller import Caller
    from airflow_provider_taskcluster.emulator.context import Context
    from airflow_provider_taskcluster.emulator.schemas.tasks import ChangePriority

    from .lifecycle import Task
    from .tasks import TaskService

# For so long changeTaskPriority does not notice that a task was cancelled.
UNNOTICED = 2 * SECOND


class SchedulingService:
    """Schedules, reruns and cancels tasks; each call needs a scope for the task, or for its project."""

    def __init__(self, context: Context, tasks: TaskService) -> None:
        self._database = context.database
        self._clock = context.clock
        self._tasks = tasks

    def schedule_task(self, caller: Caller, task_id: str) -> dict[str, Any]:
        """Schedule a task despite open dependencies; a scheduled one does not change."""
        with self._changing(caller, "schedule", task_id) as task:
            task.schedule(self._clock.now())
        return {"status": task.status}

    def rerun_task(self, caller: Caller, task_id: str) -> dict[str, Any]:
        """Run a resolved task again, with all its retries."""
        with self._changing(caller, "rerun", task_id) as task:
            task.rerun(self._tasks.definition(task_id)["retries"], self._clock.now())
        return {"status": task.status}

    def cancel_task(self, caller: Caller, task_id: str) -> dict[str, Any]:
        """Cancel a task unless it is resolved."""
        with self._changing(caller, "cancel", task_id) as task:
            task.cancel(self._clock.now())
        return {"status": task.status}

    def change_task_priority(self, caller: Caller, task_id: str, request: ChangePriority) -> dict[str, Any]:
        """Change the priority of a task that is not resolved; claimed runs keep theirs.

        As in the real queue, a task that was cancelled a moment ago still takes another priority.
        """
        with self._database.transaction():
            task = self._tasks.load(task_id)
            queue = task.status["taskQueueId"]
            caller.require_any(f"queue:change-task-priority:{task_id}", f"queue:change-task-priority-in-queue:{queue}")
            now = self._clock.now()
            task.check_deadline("changed in priority", now)
            ended = task.is_resolved and not task.was_canceled_since(now - UNNOTICED)
            if ended or task.status["priority"] == request.newPriority:
                raise RequestConflict(f"Task `{task_id}` is resolved or has priority `{request.newPriority}` already.")
            self._tasks.set_priority(task, request.newPriority)
        return {"status": task.status}

    @contextmanager
    def _changing(self, caller: Caller, verb: str, task_id: str) -> Iterator[Task]:
        with self._database.transaction():
            task = self._tasks.load(task_id)
            group = f"{task.status['schedulerId']}/{task.status['taskGroupId']}"
            caller.require_any(
                f"queue:{verb}-task:{group}/{task_id}",
                f"queue:{verb}-task-in-project:{task.status['projectId']}",
                {"AllOf": [f"queue:{verb}-task", f"assume:scheduler-id:{group}"]},  # the old way
            )
            yield task
            self._tasks.save(task)

"""Scheduling of tasks by their owners: schedule, rerun and cancel."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_taskcluster.emulator.auth.caller import Caller
    from airflow_provider_taskcluster.emulator.context import Context

    from .lifecycle import Task
    from .tasks import TaskService


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

    @contextmanager
    def _changing(self, caller: Caller, verb: str, task_id: str) -> Iterator[Task]:
        with self._database.transaction():
            task = self._tasks.load(task_id)
            status = task.status
            caller.require_any(
                f"queue:{verb}-task:{status['schedulerId']}/{status['taskGroupId']}/{task_id}",
                f"queue:{verb}-task-in-project:{status['projectId']}",
            )
            yield task
            self._tasks.save(task)

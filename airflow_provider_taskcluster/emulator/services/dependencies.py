"""What tasks wait for: other tasks, which are to be completed, or just resolved, before a task is scheduled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.clock import from_json
from airflow_provider_taskcluster.emulator.errors import InputError

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.context import Context

    from .lifecycle import Task
    from .tasks import TaskService


class DependencyService:
    """Requirements that are still open. Once one is met it is gone, whatever becomes of the task in a rerun."""

    def __init__(self, context: Context, tasks: TaskService) -> None:
        self._database = context.database
        self._clock = context.clock
        self._tasks = tasks
        tasks.when_resolved.append(self.release)

    def block(self, task_id: str, definition: dict[str, Any]) -> bool:
        """Note what a new task waits for; whether there is anything.

        A task may wait for itself: then somebody has to schedule it.
        """
        found = {required: self._tasks.find(required) for required in definition["dependencies"]}
        _check(found, definition["deadline"])
        requires = definition["requires"]
        waits_for = [required for required, task in found.items() if task and not _is_met(requires, task)]
        for required in waits_for:
            self._database.execute("INSERT INTO requirements VALUES (?, ?, ?)", task_id, required, requires)
        return bool(waits_for)

    def release(self, resolved: Task) -> None:
        """Schedule the tasks that waited for this one alone, unless their deadline is over."""
        waiting = self._database.all("SELECT * FROM requirements WHERE required_task_id = ?", resolved.task_id)
        for row in waiting:
            if _is_met(row["requires"], resolved):
                self._database.execute(
                    "DELETE FROM requirements WHERE task_id = ? AND required_task_id = ?",
                    *(row["task_id"], resolved.task_id),
                )
                self._schedule_if_free(row["task_id"], from_json(resolved.runs[-1]["resolved"]))

    def _schedule_if_free(self, task_id: str, now: int) -> None:
        if self._database.one("SELECT 1 FROM requirements WHERE task_id = ?", task_id) is not None:
            return
        task = self._tasks.find_unsettled(task_id)
        if task is not None and not task.is_overdue(now):
            task.schedule(now)
            self._tasks.save(task)


def _is_met(requires: str, task: Task) -> bool:
    return task.state == "completed" or (requires == "all-resolved" and task.is_resolved)


def _check(found: dict[str, Task | None], deadline: str) -> None:
    """All must be there already, and must not expire before the task that waits has to be done."""
    missing = [task_id for task_id, task in found.items() if task is None]
    if missing:
        raise InputError(
            "\n".join(["`task.dependencies` references non-existing tasks:", *(f" * {task_id}" for task_id in missing)])
        )
    moment = from_json(deadline)
    expiring = [task_id for task_id, task in found.items() if task and from_json(task.status["expires"]) < moment]
    if expiring:
        raise InputError(
            "\n".join(
                [
                    "`task.dependencies` references tasks that expire before `task.deadline`:",
                    *(f" * {task_id}" for task_id in expiring),
                ]
            )
        )

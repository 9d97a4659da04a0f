"""Dependencies of tasks: other tasks that must be completed, or just resolved, before a task is scheduled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.clock import SECOND, from_json
from airflow_provider_taskcluster.emulator.errors import InputError

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.context import Context

    from .lifecycle import Task
    from .tasks import TaskService


class DependencyService:
    """Open requirements of tasks. A requirement that was met stays met, even if the required task is run again."""

    def __init__(self, context: Context, tasks: TaskService) -> None:
        self._database = context.database
        self._clock = context.clock
        self._tasks = tasks
        self._delay = int(context.settings.release_seconds * SECOND)
        tasks.when_resolved.append(self.release)
        tasks.when_due.append(self.apply_releases)

    def block(self, task_id: str, definition: dict[str, Any]) -> bool:
        """Store the requirements of a new task, and return whether it has any.

        A task may require itself; it must then be scheduled by a call.
        """
        dependencies = {task_id: self._tasks.find(task_id) for task_id in definition["dependencies"]}
        _check(dependencies, definition["deadline"])
        requires = definition["requires"]
        unmet = [required for required, task in dependencies.items() if task and not _is_met(requires, task)]
        for required in unmet:
            self._database.execute("INSERT INTO requirements VALUES (?, ?, ?)", task_id, required, requires)
        return bool(unmet)

    def release(self, resolved: Task) -> None:
        """Schedule the tasks whose last open requirement was this one, at once or after the delay that is set."""
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
        if self._delay:
            self._database.execute("INSERT OR IGNORE INTO releases VALUES (?, ?)", task_id, now + self._delay)
        else:
            self._schedule(task_id, now)

    def apply_releases(self, now: int) -> None:
        """Schedule the tasks whose delay is over."""
        if not self._delay:
            return
        for row in self._database.all("SELECT * FROM releases WHERE due <= ? ORDER BY due", now):
            self._database.execute("DELETE FROM releases WHERE task_id = ?", row["task_id"])
            self._schedule(row["task_id"], row["due"])

    def _schedule(self, task_id: str, now: int) -> None:
        """Schedule a task unless its deadline has passed."""
        task = self._tasks.find_stored(task_id)
        if task is not None and not task.is_overdue(now):
            task.schedule(now)
            self._tasks.save(task)


def _is_met(requires: str, task: Task) -> bool:
    return task.state == "completed" or (requires == "all-resolved" and task.is_resolved)


def _check(dependencies: dict[str, Task | None], deadline: str) -> None:
    """Raise InputError if a dependency does not exist, or expires before the deadline of the dependent task."""
    missing = [task_id for task_id, task in dependencies.items() if task is None]
    if missing:
        raise InputError(
            "\n".join(
                [
                    "`task.dependencies` references non-existing tasks: ",
                    *(f" * {task_id}" for task_id in missing),
                    "All taskIds in `task.dependencies` **must** exist",
                    "before the task is created.\n",
                ]
            )
        )
    due = from_json(deadline)
    expiring = [task_id for task_id, task in dependencies.items() if task and from_json(task.status["expires"]) < due]
    if expiring:
        raise InputError(
            "\n".join(
                [
                    "`task.dependencies` references tasks that expire before `task.deadline`:",
                    *(f" * {task_id}" for task_id in expiring),
                ]
            )
        )

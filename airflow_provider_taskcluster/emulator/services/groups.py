"""Task groups: tasks of one scheduler; a sealed group accepts no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.clock import HOUR, from_json, to_json
from airflow_provider_taskcluster.emulator.database import unpack
from airflow_provider_taskcluster.emulator.errors import RequestConflict, ResourceNotFound

from .lifecycle import Task
from .paging import offset_page
from .tasks import described

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.auth.caller import Caller
    from airflow_provider_taskcluster.emulator.context import Context
    from airflow_provider_taskcluster.emulator.database import Row
    from airflow_provider_taskcluster.emulator.schemas.tasks import ChangePriority

    from .tasks import TaskService

# How long a group outlives its last task.
OUTLIVES = HOUR


class GroupService:
    """Task groups, each created with its first task."""

    def __init__(self, context: Context, tasks: TaskService) -> None:
        self._database = context.database
        self._clock = context.clock
        self._tasks = tasks

    def list_task_group(
        self, _: Caller, task_group_id: str, continuation_token: str | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """List a group's tasks with definitions and statuses, in pages by offset.

        As in the real queue, tasks that are added between two pages make others appear twice or never.
        """
        group = _describe(self._load(task_group_id))

        def fetch(offset: int, count: int) -> list[Row]:
            condition = "task_group_id = ? ORDER BY task_id LIMIT ? OFFSET ?"
            return self._tasks.rows(condition, task_group_id, count, offset)

        rows, token = offset_page(fetch, token=continuation_token, limit=limit)
        listed = {**group, "tasks": list(map(described, rows))}
        return {**listed, "continuationToken": token} if token else listed

    def get_task_group(self, _: Caller, task_group_id: str) -> dict[str, Any]:
        """Describe a group without its tasks."""
        return _describe(self._load(task_group_id))

    def seal_task_group(self, caller: Caller, task_group_id: str) -> dict[str, Any]:
        """Seal a group, so that it accepts no more tasks; repeating the call changes nothing."""
        group = self._load(task_group_id)
        caller.require(f"queue:seal-task-group:{group['scheduler_id']}/{task_group_id}")
        self._database.execute(
            "UPDATE task_groups SET sealed = ? WHERE task_group_id = ? AND sealed IS NULL",
            *(self._clock.now(), task_group_id),
        )
        return _describe(self._load(task_group_id))

    def cancel_task_group(self, caller: Caller, task_group_id: str) -> dict[str, Any]:
        """Cancel all tasks of a sealed group that are not resolved."""
        group = self._load(task_group_id)
        caller.require(f"queue:cancel-task-group:{group['scheduler_id']}/{task_group_id}")
        if group["sealed"] is None:
            raise RequestConflict(f"Task group `{task_group_id}` should be sealed before it can be cancelled.")
        now = self._clock.now()
        with self._database.transaction():
            rows = self._tasks.rows("task_group_id = ? ORDER BY task_id", task_group_id)
            tasks = [task for task in (Task(unpack(row["status"])) for row in rows) if not task.is_resolved]
            for task in tasks:
                task.end_task("canceled", now)
                self._tasks.save(task)
        return {
            "taskGroupId": task_group_id,
            "taskGroupSize": len(rows),
            "cancelledCount": len(tasks),
            "taskIds": [task.task_id for task in tasks],
        }

    def change_task_group_priority(self, caller: Caller, task_group_id: str, request: ChangePriority) -> dict[str, Any]:
        """Change the priority of the tasks of a group that are not resolved; claimed runs keep theirs."""
        group = self._load(task_group_id)
        scheduler_id, priority = group["scheduler_id"], request.newPriority
        caller.require(f"queue:change-task-group-priority:{scheduler_id}/{task_group_id}")
        with self._database.transaction():
            rows = self._tasks.rows("task_group_id = ? ORDER BY task_id", task_group_id)
            tasks = [task for task in (Task(unpack(row["status"])) for row in rows) if not task.is_resolved]
            changed = [task for task in tasks if task.status["priority"] != priority]
            for task in changed:
                self._tasks.set_priority(task, priority)
        return {
            "taskGroupId": task_group_id,
            "schedulerId": scheduler_id,
            "newPriority": priority,
            "tasksAffected": len(changed),
            "taskIds": [task.task_id for task in changed],
        }

    def join(self, definition: dict[str, Any]) -> None:
        """Add a task to its group; the first task creates the group, which stays if the task is refused later."""
        task_group_id, scheduler_id = definition["taskGroupId"], definition["schedulerId"]
        expires = from_json(definition["expires"]) + OUTLIVES
        self._database.execute(
            "INSERT INTO task_groups VALUES (?, ?, ?, NULL) ON CONFLICT DO NOTHING",
            *(task_group_id, scheduler_id, expires),
        )
        group = self._load(task_group_id)
        if group["scheduler_id"] != scheduler_id:
            raise RequestConflict(
                f"Task group `{task_group_id}` contains tasks with a schedulerId other than `{scheduler_id}`. "
                "All tasks in the same task-group must have the same schedulerId."
            )
        if group["sealed"] is not None:
            raise RequestConflict(f"Task group `{task_group_id}` is sealed and does not accept new tasks.")
        self._database.execute(
            "UPDATE task_groups SET expires = max(expires, ?) WHERE task_group_id = ?", expires, task_group_id
        )

    def _load(self, task_group_id: str) -> Row:
        row = self._database.one("SELECT * FROM task_groups WHERE task_group_id = ?", task_group_id)
        if row is None:
            raise ResourceNotFound(f"No task-group with taskGroupId: `{task_group_id}`")
        return row


def _describe(group: Row) -> dict[str, Any]:
    description = {
        "taskGroupId": group["task_group_id"],
        "schedulerId": group["scheduler_id"],
        "expires": to_json(group["expires"]),
    }
    return description if group["sealed"] is None else {**description, "sealed": to_json(group["sealed"])}

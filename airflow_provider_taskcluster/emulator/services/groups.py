"""Task groups: tasks of one scheduler; a sealed group accepts no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.clock import from_json, to_json
from airflow_provider_taskcluster.emulator.database import unpack
from airflow_provider_taskcluster.emulator.errors import RequestConflict, ResourceNotFound

from .paging import page

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.auth.caller import Caller
    from airflow_provider_taskcluster.emulator.context import Context
    from airflow_provider_taskcluster.emulator.database import Row

    from .tasks import TaskService


class GroupService:
    """Task groups, each created with its first task."""

    def __init__(self, context: Context, tasks: TaskService) -> None:
        self._database = context.database
        self._clock = context.clock
        self._tasks = tasks

    def list_task_group(
        self, _: Caller, task_group_id: str, continuation_token: str | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """List a group's tasks with definitions and statuses, in pages."""
        group = _describe(self._load(task_group_id))

        def fetch(after: list[str], count: int) -> list[Row]:
            condition = "task_group_id = ? AND task_id > ? ORDER BY task_id LIMIT ?"
            return self._tasks.rows(condition, task_group_id, *after, count)

        rows, token = page(fetch, lambda row: [row["task_id"]], start=[""], token=continuation_token, limit=limit)
        tasks = [{"task": unpack(row["definition"]), "status": unpack(row["status"])} for row in rows]
        listed = {**group, "tasks": tasks}
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

    def join(self, definition: dict[str, Any]) -> None:
        """Add a new task to its group; the first task creates the group."""
        task_group_id, scheduler_id = definition["taskGroupId"], definition["schedulerId"]
        self._database.execute(
            "INSERT INTO task_groups VALUES (?, ?, ?, NULL) "
            "ON CONFLICT (task_group_id) DO UPDATE SET expires = max(expires, excluded.expires)",
            *(task_group_id, scheduler_id, from_json(definition["expires"])),
        )
        group = self._load(task_group_id)
        if group["scheduler_id"] != scheduler_id:
            raise RequestConflict(
                f"Task group `{task_group_id}` contains tasks with a schedulerId other than `{scheduler_id}`. "
                "All tasks in the same task-group must have the same schedulerId."
            )
        if group["sealed"] is not None:
            raise RequestConflict(f"Task group `{task_group_id}` is sealed and does not accept new tasks.")

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

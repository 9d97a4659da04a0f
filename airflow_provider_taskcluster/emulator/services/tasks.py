"""Storage of tasks: definitions, statuses, and callbacks for resolved tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.database import pack, unpack
from airflow_provider_taskcluster.emulator.errors import ResourceNotFound
from airflow_provider_taskcluster.emulator.schemas.tasks import PRIORITIES

from .lifecycle import Task
from .paging import page

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.emulator.auth.caller import Caller
    from airflow_provider_taskcluster.emulator.context import Context
    from airflow_provider_taskcluster.emulator.database import Row
    from airflow_provider_taskcluster.emulator.schemas.tasks import TaskIds


class TaskService:
    """Definitions and statuses of tasks; timeouts that are due are applied before any task is loaded.

    The functions in ``when_resolved`` are called with each task that is resolved, in the same transaction.
    """

    def __init__(self, context: Context) -> None:
        self._database = context.database
        self._clock = context.clock
        self.when_resolved: list[Callable[[Task], None]] = []

    def task(self, _: Caller, task_id: str) -> dict[str, Any]:
        """Return a task's definition."""
        return self.definition(task_id)

    def status(self, _: Caller, task_id: str) -> dict[str, Any]:
        """Return a task's status."""
        return {"status": self.load(task_id).status}

    def statuses(
        self,
        caller: Caller,
        request: TaskIds,
        continuation_token: str | None = None,
        limit: int | None = None,
    ) -> dict[str, Any]:
        """Return the statuses of many tasks; unknown ones are left out, and one missing scope refuses the call."""
        caller.require(*(f"queue:status:{task_id}" for task_id in request.taskIds))
        wanted = pack(request.taskIds)

        def fetch(after: list[str], count: int) -> list[Row]:
            return self.rows(
                "task_id IN (SELECT value FROM json_each(?)) AND task_id > ? ORDER BY task_id LIMIT ?",
                *(wanted, *after, count),
            )

        rows, token = page(fetch, lambda row: [row["task_id"]], start=[""], token=continuation_token, limit=limit)
        statuses = [{"taskId": row["task_id"], "status": unpack(row["status"])} for row in rows]
        listed: dict[str, Any] = {"statuses": statuses}
        return {**listed, "continuationToken": token} if token else listed

    def rows(self, condition: str, *parameters: Any) -> list[Row]:
        """Return the rows of tasks that meet a condition, timeouts applied."""
        self._apply_timeouts()
        return self._database.all(f"SELECT * FROM tasks WHERE {condition}", *parameters)  # noqa: S608 - ours

    def find(self, task_id: str) -> Task | None:
        """Return a task, timeouts applied, or None."""
        self._apply_timeouts()
        return self.find_stored(task_id)

    def find_stored(self, task_id: str) -> Task | None:
        """Return a task as stored, without applying timeouts, or None; for use while timeouts are being applied."""
        row = self._database.one("SELECT status FROM tasks WHERE task_id = ?", task_id)
        return Task(unpack(row["status"])) if row else None

    def load(self, task_id: str) -> Task:
        """Return a task, timeouts applied, or raise ResourceNotFound."""
        task = self.find(task_id)
        if task is None:
            raise ResourceNotFound(f"Task `{task_id}` not found. Are you sure it was created?")
        return task

    def definition(self, task_id: str) -> dict[str, Any]:
        """Return a task's definition, or raise ResourceNotFound."""
        row = self._database.one("SELECT definition FROM tasks WHERE task_id = ?", task_id)
        if row is None:
            raise ResourceNotFound(f"Task `{task_id}` not found. Are you sure it was created?")
        definition: dict[str, Any] = unpack(row["definition"])
        return definition

    def pending(self, task_queue_id: str, count: int) -> list[Task]:
        """Return the first pending tasks of a queue, most urgent first, then oldest first."""
        condition = "task_queue_id = ? AND state = 'pending' ORDER BY rank, scheduled, rowid LIMIT ?"
        return [Task(unpack(row["status"])) for row in self.rows(condition, task_queue_id, count)]

    def insert(self, task: Task, definition: dict[str, Any]) -> None:
        """Store a new task."""
        self._database.execute(
            "INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(task.task_id, definition["taskQueueId"], definition["taskGroupId"], task.state),
            *(PRIORITIES.index(definition["priority"]), self._clock.now(), task.due),
            *(pack(definition), pack(task.status)),
        )

    def save(self, task: Task) -> None:
        """Store a task's changed status."""
        with self._database.transaction():
            changed = self._database.execute(
                "UPDATE tasks SET state = ?, status = ?, scheduled = ?, due = ? WHERE task_id = ? AND status != ?",
                *(task.state, pack(task.status), self._clock.now(), task.due, task.task_id, pack(task.status)),
            )
            if changed and task.is_resolved:
                for callback in self.when_resolved:
                    callback(task)

    def _apply_timeouts(self) -> None:
        """Apply all timeouts that are due, oldest first."""
        now = self._clock.now()
        while row := self._database.one("SELECT * FROM tasks WHERE due <= ? ORDER BY due LIMIT 1", now):
            task = Task(unpack(row["status"]))
            task.apply_timeout(now)
            self.save(task)

"""The queue's tasks: kept, looked at, told of when they are resolved."""

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
    """Definitions and statuses. Tasks are always loaded here, so that overdue ones are settled first.

    ``when_resolved`` are told of each task that has come to an end, in the transaction in which it did.
    """

    def __init__(self, context: Context) -> None:
        self._database = context.database
        self._clock = context.clock
        self.when_resolved: list[Callable[[Task], None]] = []

    def task(self, _: Caller, task_id: str) -> dict[str, Any]:
        """A task's definition."""
        return self.definition(task_id)

    def status(self, _: Caller, task_id: str) -> dict[str, Any]:
        """A task's status."""
        return {"status": self.load(task_id).status}

    def statuses(
        self,
        caller: Caller,
        request: TaskIds,
        continuation_token: str | None = None,
        limit: int | None = None,
    ) -> dict[str, Any]:
        """The statuses of many tasks; unknown ones are left out, one missing scope refuses all."""
        caller.require(*(f"queue:status:{task_id}" for task_id in request.taskIds))
        wanted = pack(request.taskIds)

        def fetch(after: list[str], count: int) -> list[Row]:
            return self.rows(
                "task_id IN (SELECT value FROM json_each(?)) AND task_id > ? ORDER BY task_id LIMIT ?",
                *(wanted, *after, count),
            )

        rows, token = page(fetch, lambda row: [row["task_id"]], start=[""], token=continuation_token, limit=limit)
        statuses = [{"taskId": row["task_id"], "status": unpack(row["status"])} for row in rows]
        answer: dict[str, Any] = {"statuses": statuses}
        return {**answer, "continuationToken": token} if token else answer

    def rows(self, condition: str, *parameters: Any) -> list[Row]:
        """Tasks as they stand now, as rows of the database."""
        self._settle_overdue()
        return self._database.all(f"SELECT * FROM tasks WHERE {condition}", *parameters)  # noqa: S608 - ours

    def find(self, task_id: str) -> Task | None:
        """A task as it stands now, if there is one."""
        self._settle_overdue()
        return self.find_unsettled(task_id)

    def find_unsettled(self, task_id: str) -> Task | None:
        """A task as it was when somebody last looked, for those who are at settling others."""
        row = self._database.one("SELECT status FROM tasks WHERE task_id = ?", task_id)
        return Task(unpack(row["status"])) if row else None

    def load(self, task_id: str) -> Task:
        """A task as it stands now, or ResourceNotFound."""
        task = self.find(task_id)
        if task is None:
            raise ResourceNotFound(f"Task `{task_id}` not found. Are you sure it was created?")
        return task

    def definition(self, task_id: str) -> dict[str, Any]:
        """A task's definition, or ResourceNotFound."""
        row = self._database.one("SELECT definition FROM tasks WHERE task_id = ?", task_id)
        if row is None:
            raise ResourceNotFound(f"Task `{task_id}` not found. Are you sure it was created?")
        definition: dict[str, Any] = unpack(row["definition"])
        return definition

    def pending(self, task_queue_id: str, count: int) -> list[Task]:
        """The first tasks of a queue that wait for a worker, most urgent first, then oldest first."""
        condition = "task_queue_id = ? AND state = 'pending' ORDER BY rank, scheduled, rowid LIMIT ?"
        return [Task(unpack(row["status"])) for row in self.rows(condition, task_queue_id, count)]

    def insert(self, task: Task, definition: dict[str, Any]) -> None:
        """Keep a new task."""
        self._database.execute(
            "INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(task.task_id, definition["taskQueueId"], definition["taskGroupId"], task.state),
            *(PRIORITIES.index(definition["priority"]), self._clock.now(), task.due),
            *(pack(definition), pack(task.status)),
        )

    def save(self, task: Task) -> None:
        """Keep a task's changed status."""
        with self._database.transaction():
            changed = self._database.execute(
                "UPDATE tasks SET state = ?, status = ?, scheduled = ?, due = ? WHERE task_id = ? AND status != ?",
                *(task.state, pack(task.status), self._clock.now(), task.due, task.task_id, pack(task.status)),
            )
            if changed and task.is_resolved:
                for tell in self.when_resolved:
                    tell(task)

    def _settle_overdue(self) -> None:
        """Do what time has done to all tasks since anybody looked, in its order."""
        now = self._clock.now()
        while row := self._database.one("SELECT * FROM tasks WHERE due <= ? ORDER BY due LIMIT 1", now):
            task = Task(unpack(row["status"]))
            task.settle(now)
            self.save(task)

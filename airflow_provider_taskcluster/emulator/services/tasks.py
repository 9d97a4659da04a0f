"""Storage of tasks: definitions, statuses, and callbacks for resolved tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.database import pack, unpack
from airflow_provider_taskcluster.emulator.errors import ResourceNotFound
from airflow_provider_taskcluster.emulator.schemas.tasks import PRIORITIES

from .lifecycle import RESOLVER_DELAY, Task
from .paging import page

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.emulator.auth.caller import Caller
    from airflow_provider_taskcluster.emulator.context import Context
    from airflow_provider_taskcluster.emulator.database import Row
    from airflow_provider_taskcluster.emulator.schemas.tasks import TaskIds


class TaskService:
    """Definitions and statuses of tasks; timeouts that are due are applied before any task is loaded.

    The functions in ``when_changed`` are called with each event of a task that has routes and the task, those in
    ``when_resolved`` with each task that is resolved, both in the same transaction; those in ``when_due`` with the
    time, before timeouts are applied.
    """

    def __init__(self, context: Context) -> None:
        self._database = context.database
        self._clock = context.clock
        self.when_changed: list[Callable[[str, Task], None]] = []
        self.when_resolved: list[Callable[[Task], None]] = []
        self.when_due: list[Callable[[int], None]] = []

    def task(self, _: Caller, task_id: str) -> dict[str, Any]:
        """Return a task's definition."""
        return self.definition(task_id)

    def status(self, _: Caller, task_id: str) -> dict[str, Any]:
        """Return a task's status."""
        task = self.find(task_id)
        if task is None:
            raise _no_such_task(task_id)
        return {"status": task.status}

    def statuses(
        self,
        caller: Caller,
        request: TaskIds,
        continuation_token: str | None = None,
        limit: int | None = None,
    ) -> dict[str, Any]:
        """Return the statuses of many tasks; unknown ones are left out, and one missing scope refuses the call."""
        caller.require(*(f"queue:status:{task_id}" for task_id in request.taskIds))
        rows, token = self._of(request.taskIds, continuation_token, limit)
        statuses = [{"taskId": row["task_id"], "status": unpack(row["status"])} for row in rows]
        answer: dict[str, Any] = {"statuses": statuses}
        return {**answer, "continuationToken": token} if token else answer

    def tasks(
        self, caller: Caller, request: TaskIds, continuation_token: str | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """Return the definitions of many tasks; unknown ones are left out, and one missing scope refuses the call."""
        caller.require(*(f"queue:get-task:{task_id}" for task_id in request.taskIds))
        rows, token = self._of(request.taskIds, continuation_token, limit)
        answer: dict[str, Any] = {
            "tasks": [{"taskId": row["task_id"], "task": unpack(row["definition"])} for row in rows]
        }
        return {**answer, "continuationToken": token} if token else answer

    def list_dependent_tasks(
        self, _: Caller, task_id: str, continuation_token: str | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """List the tasks that have this one as a dependency, whether or not they still wait for it."""
        self.load(task_id)

        def fetch(after: list[str], count: int) -> list[Row]:
            names_it = "EXISTS (SELECT 1 FROM json_each(definition, '$.dependencies') WHERE value = ?)"
            return self.rows(f"{names_it} AND task_id > ? ORDER BY task_id LIMIT ?", task_id, *after, count)

        rows, token = page(fetch, lambda row: [row["task_id"]], start=[""], token=continuation_token, limit=limit)
        answer: dict[str, Any] = {"taskId": task_id, "tasks": list(map(described, rows))}
        return {**answer, "continuationToken": token} if token else answer

    def counts(self, _: Caller, task_queue_id: str) -> dict[str, Any]:
        """Count the pending and claimed tasks of a queue. A queue that nobody knows has counts of 0."""
        provisioner_id, worker_type = task_queue_id.split("/")
        found = {
            state: len(self.rows("task_queue_id = ? AND state = ?", task_queue_id, state))
            for state in ("pending", "running")
        }
        return {
            "provisionerId": provisioner_id,
            "workerType": worker_type,
            "taskQueueId": task_queue_id,
            "pendingTasks": found["pending"],
            "claimedTasks": found["running"],
        }

    def _of(
        self, task_ids: list[str], continuation_token: str | None, limit: int | None
    ) -> tuple[list[Row], str | None]:
        wanted = pack(task_ids)

        def fetch(after: list[str], count: int) -> list[Row]:
            return self.rows(
                "task_id IN (SELECT value FROM json_each(?)) AND task_id > ? ORDER BY task_id LIMIT ?",
                *(wanted, *after, count),
            )

        return page(fetch, lambda row: [row["task_id"]], start=[""], token=continuation_token, limit=limit)

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
            raise _no_such_task(task_id)
        definition: dict[str, Any] = unpack(row["definition"])
        return definition

    def pending(self, task_queue_id: str, count: int) -> list[Task]:
        """Return the first pending tasks of a queue, most urgent first, then oldest first; none past its deadline."""
        condition = "task_queue_id = ? AND state = 'pending' AND due > ? ORDER BY rank, scheduled, rowid LIMIT ?"
        not_overdue = self._clock.now() + RESOLVER_DELAY
        return [Task(unpack(row["status"])) for row in self.rows(condition, task_queue_id, not_overdue, count)]

    def insert(self, task: Task, definition: dict[str, Any]) -> None:
        """Store a new task."""
        self._database.execute(
            "INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(task.task_id, definition["taskQueueId"], definition["taskGroupId"], task.state),
            *(PRIORITIES.index(definition["priority"]), self._clock.now(), task.due),
            *(pack(definition), pack(task.status)),
        )

    def announce(self, event: str, task: Task) -> None:
        """Tell of an event of a task: "defined", or the state that a run got."""
        for callback in self.when_changed:
            callback(event, task)

    def _routed(self, task_id: str) -> Task | None:
        """Return a task as stored if it has routes; events of the others interest nobody."""
        sql = "SELECT status FROM tasks WHERE task_id = ? AND json_array_length(definition, '$.routes') > 0"
        row = self._database.one(sql, task_id)
        return Task(unpack(row["status"])) if row else None

    def set_priority(self, task: Task, priority: str) -> None:
        """Change the priority of a task, in its status and its definition."""
        task.status["priority"] = priority
        definition = {**self.definition(task.task_id), "priority": priority}
        self._database.execute(
            "UPDATE tasks SET rank = ?, definition = ? WHERE task_id = ?",
            *(PRIORITIES.index(priority), pack(definition), task.task_id),
        )
        self.save(task)

    def save(self, task: Task) -> None:
        """Store a task's changed status."""
        with self._database.transaction():
            before = self._routed(task.task_id)
            changed = self._database.execute(
                "UPDATE tasks SET state = ?, status = ?, scheduled = ?, due = ? WHERE task_id = ? AND status != ?",
                *(task.state, pack(task.status), self._clock.now(), task.due, task.task_id, pack(task.status)),
            )
            for event in task.events_since(before) if changed and before else ():
                self.announce(event, task)
            if changed and task.is_resolved:
                for callback in self.when_resolved:
                    callback(task)

    def _apply_timeouts(self) -> None:
        """Apply all timeouts that are due, oldest first."""
        now = self._clock.now()
        for apply in self.when_due:
            apply(now)
        while row := self._database.one("SELECT * FROM tasks WHERE due <= ? ORDER BY due LIMIT 1", now):
            task = Task(unpack(row["status"]))
            task.apply_timeout(now)
            self.save(task)


def described(row: Row) -> dict[str, Any]:
    """Return a task's definition and status, as lists of tasks have them."""
    return {"task": unpack(row["definition"]), "status": unpack(row["status"])}


def _no_such_task(task_id: str) -> ResourceNotFound:
    return ResourceNotFound(f"`{task_id}` does not correspond to a task that exists.\nAre you sure this task exists?")

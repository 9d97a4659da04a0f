"""The queue's tasks: created, looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.clock import DAY, MINUTE, from_json, to_json
from airflow_provider_taskcluster.emulator.database import pack, unpack
from airflow_provider_taskcluster.emulator.errors import InputError, RequestConflict, ResourceNotFound
from airflow_provider_taskcluster.emulator.schemas.tasks import PRIORITIES

from .lifecycle import Task
from .paging import page

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.auth.caller import Caller
    from airflow_provider_taskcluster.emulator.context import Context
    from airflow_provider_taskcluster.emulator.database import Row
    from airflow_provider_taskcluster.emulator.schemas.tasks import CreateTask, TaskIds

YEAR = 365 * DAY
LONGEST = 5 * DAY
DRIFT = 15 * MINUTE


class TaskService:
    """Definitions and statuses. Tasks are always loaded here, so that overdue ones are settled first."""

    def __init__(self, context: Context) -> None:
        self._database = context.database
        self._clock = context.clock

    def create_task(self, caller: Caller, task_id: str, request: CreateTask) -> dict[str, Any]:
        """Define a task and make its first run; the same definition again changes nothing."""
        definition = _completed(task_id, request)
        _authorize(caller, definition)
        self._check_times(definition)
        if definition["dependencies"]:
            raise InputError("The emulator does not know dependencies between tasks")
        with self._database.transaction():
            row = self._database.one("SELECT definition FROM tasks WHERE task_id = ?", task_id)
            if row is None:
                task = Task.new(task_id, definition, self._clock.now())
                self._insert(task, definition)
            elif unpack(row["definition"]) != definition:
                raise RequestConflict(
                    f"taskId `{task_id}` already used by another task. This could be the result of faulty idempotency!"
                )
        return self.status(caller, task_id)

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
            return self._database.all(
                "SELECT * FROM tasks WHERE task_id IN (SELECT value FROM json_each(?)) AND task_id > ? "
                "ORDER BY task_id LIMIT ?",
                *(wanted, *after, count),
            )

        rows, token = page(fetch, lambda row: [row["task_id"]], start=[""], token=continuation_token, limit=limit)
        tasks = [self._settled(row) for row in rows]
        answer: dict[str, Any] = {"statuses": [{"taskId": task.task_id, "status": task.status} for task in tasks]}
        return {**answer, "continuationToken": token} if token else answer

    def load(self, task_id: str) -> Task:
        """A task as it stands now, or ResourceNotFound."""
        row = self._database.one("SELECT * FROM tasks WHERE task_id = ?", task_id)
        if row is None:
            raise ResourceNotFound(f"Task `{task_id}` not found. Are you sure it was created?")
        return self._settled(row)

    def definition(self, task_id: str) -> dict[str, Any]:
        """A task's definition, or ResourceNotFound."""
        row = self._database.one("SELECT definition FROM tasks WHERE task_id = ?", task_id)
        if row is None:
            raise ResourceNotFound(f"Task `{task_id}` not found. Are you sure it was created?")
        definition: dict[str, Any] = unpack(row["definition"])
        return definition

    def pending(self, task_queue_id: str) -> list[Task]:
        """The tasks of a queue that wait for a worker, most urgent first, then oldest first."""
        rows = self._database.all(
            "SELECT * FROM tasks WHERE task_queue_id = ? AND state IN ('pending', 'running') "
            "ORDER BY rank, scheduled, rowid",
            task_queue_id,
        )
        return [task for task in map(self._settled, rows) if task.state == "pending"]

    def save(self, task: Task) -> None:
        """Keep a task's changed status."""
        self._database.execute(
            "UPDATE tasks SET state = ?, status = ?, scheduled = ? WHERE task_id = ?",
            *(task.state, pack(task.status), self._clock.now(), task.task_id),
        )

    def _settled(self, row: Row) -> Task:
        """A task with what time has done to it since anybody looked."""
        task = Task(unpack(row["status"]))
        if task.settle(self._clock.now()):
            self.save(task)
        return task

    def _insert(self, task: Task, definition: dict[str, Any]) -> None:
        self._database.execute(
            "INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            *(task.task_id, definition["taskQueueId"], definition["taskGroupId"], task.state),
            *(
                PRIORITIES.index(definition["priority"]),
                self._clock.now(),
                pack(definition),
                pack(task.status),
            ),
        )

    def _check_times(self, definition: dict[str, Any]) -> None:
        now = self._clock.now()
        created, deadline, expires = (from_json(definition[k]) for k in ("created", "deadline", "expires"))
        if abs(created - now) > DRIFT:
            raise InputError("The `created` timestamp of the task must be within 15 min of the current time")
        if deadline < created or deadline < now:
            raise InputError("The `deadline` must be after the `created` timestamp and in the future")
        if deadline > now + LONGEST + DRIFT:
            raise InputError("The `deadline` must be less than 5 days in the future")
        if expires < deadline:
            raise InputError("The `expires` property must be after the `deadline`")


def _completed(task_id: str, request: CreateTask) -> dict[str, Any]:
    """The definition with everything that was left out, instants in one spelling."""
    definition = request.model_dump(exclude_none=True)
    if request.taskQueueId is None:
        if request.provisionerId is None or request.workerType is None:
            raise InputError("at least a provisionerId and a workerType or a taskQueueId must be provided")
        definition["taskQueueId"] = f"{request.provisionerId}/{request.workerType}"
    provisioner_id, worker_type = definition["taskQueueId"].split("/")
    named = {"provisionerId": provisioner_id, "workerType": worker_type}
    if any(definition.get(key, value) != value for key, value in named.items()):
        raise InputError("taskQueueId must match the provisionerId and workerType")
    deadline = from_json(request.deadline)
    expires = from_json(request.expires) if request.expires else deadline + YEAR
    instants = {
        "created": to_json(from_json(request.created)),
        "deadline": to_json(deadline),
        "expires": to_json(expires),
    }
    return {"taskGroupId": task_id, **definition, **named, **instants}


def _authorize(caller: Caller, definition: dict[str, Any]) -> None:
    """The scopes for all that a definition names; a more urgent priority's does for a less urgent one."""
    caller.require(
        *definition["scopes"],
        *(f"queue:route:{route}" for route in definition["routes"]),
        f"queue:create-task:project:{definition['projectId']}",
        f"queue:scheduler-id:{definition['schedulerId']}",
    )
    urgent = PRIORITIES[: PRIORITIES.index(definition["priority"]) + 1]
    queue_id = definition["taskQueueId"]
    caller.require_any(*(f"queue:create-task:{priority}:{queue_id}" for priority in urgent))

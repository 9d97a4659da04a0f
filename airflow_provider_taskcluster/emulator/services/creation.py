"""Creation of tasks: defaults, checks, task groups and dependencies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.clock import DAY, MINUTE, from_json, to_json
from airflow_provider_taskcluster.emulator.errors import InputError, RequestConflict
from airflow_provider_taskcluster.emulator.schemas.tasks import PRIORITIES

from .lifecycle import Task

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.auth.caller import Caller
    from airflow_provider_taskcluster.emulator.context import Context
    from airflow_provider_taskcluster.emulator.schemas.tasks import CreateTask

    from .dependencies import DependencyService
    from .groups import GroupService
    from .tasks import TaskService

YEAR = 365 * DAY
LONGEST = 5 * DAY
DRIFT = 15 * MINUTE


class CreationService:
    """Creates tasks."""

    def __init__(
        self, context: Context, tasks: TaskService, groups: GroupService, dependencies: DependencyService
    ) -> None:
        self._database = context.database
        self._clock = context.clock
        self._tasks = tasks
        self._groups = groups
        self._dependencies = dependencies

    def create_task(self, caller: Caller, task_id: str, request: CreateTask) -> dict[str, Any]:
        """Create a task, scheduled unless it waits for others; repeating the call changes nothing."""
        definition = _with_defaults(task_id, request)
        _authorize(caller, definition)
        self._check_times(definition)
        with self._database.transaction():
            task = self._tasks.find(task_id)
            if task is None:
                return {"status": self._create(task_id, definition).status}
        if self._tasks.definition(task_id) != definition:
            raise RequestConflict(
                f"taskId `{task_id}` already used by another task. This could be the result of faulty idempotency!"
            )
        return {"status": task.status}

    def _create(self, task_id: str, definition: dict[str, Any]) -> Task:
        self._groups.join(definition)
        task = Task.new(task_id, definition)
        self._tasks.insert(task, definition)
        if not self._dependencies.block(task_id, definition):
            task.schedule(self._clock.now())
            self._tasks.save(task)
        return task

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


def _with_defaults(task_id: str, request: CreateTask) -> dict[str, Any]:
    """Return the definition with its defaults, timestamps in one format."""
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
    timestamps = {
        "created": to_json(from_json(request.created)),
        "deadline": to_json(deadline),
        "expires": to_json(expires),
    }
    return {"taskGroupId": task_id, **definition, **named, **timestamps}


def _authorize(caller: Caller, definition: dict[str, Any]) -> None:
    """Require the scopes of a definition; the scope for a priority also covers less urgent ones."""
    caller.require(
        *definition["scopes"],
        *(f"queue:route:{route}" for route in definition["routes"]),
        f"queue:create-task:project:{definition['projectId']}",
        f"queue:scheduler-id:{definition['schedulerId']}",
    )
    sufficient = PRIORITIES[: PRIORITIES.index(definition["priority"]) + 1]
    queue_id = definition["taskQueueId"]
    caller.require_any(*(f"queue:create-task:{priority}:{queue_id}" for priority in sufficient))

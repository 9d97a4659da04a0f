"""Creation of tasks: defaults, checks, task groups and dependencies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.clock import DAY, MINUTE, from_json
from airflow_provider_taskcluster.emulator.errors import InputError, RequestConflict
from airflow_provider_taskcluster.emulator.schemas.tasks import PRIORITIES

from .definition import check_storable, same, with_defaults
from .lifecycle import Task

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.auth.caller import Caller
    from airflow_provider_taskcluster.emulator.context import Context
    from airflow_provider_taskcluster.emulator.schemas.tasks import CreateTask

    from .dependencies import DependencyService
    from .groups import GroupService
    from .tasks import TaskService

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
        """Create a task, scheduled unless it waits for others; repeating the call changes nothing.

        The checks have the order of the real queue: even an existing task is refused once ``created`` is old or its
        group is sealed, and a group stays when its first task is refused.
        """
        definition = with_defaults(task_id, request)
        _authorize(caller, definition)
        self._check_dates(definition)
        if any(scope.endswith("**") for scope in definition["scopes"]):
            raise InputError("scopes must not end with `**`")
        self._groups.join(definition)
        with self._database.transaction():
            task = self._tasks.find(task_id)
            if task is None:
                return {"status": self._create(task_id, definition).status}
        if not same(self._tasks.definition(task_id), definition):
            raise RequestConflict(
                f"taskId `{task_id}` already used by another task.\nThis could be the result of faulty idempotency!"
            )
        return {"status": task.status}

    def _create(self, task_id: str, definition: dict[str, Any]) -> Task:
        check_storable(definition)
        task = Task.new(task_id, definition)
        self._tasks.insert(task, definition)
        blocked = self._dependencies.block(task_id, definition)
        if definition["routes"]:
            self._tasks.announce("defined", task)
        if not blocked:
            task.schedule(self._clock.now())
            self._tasks.save(task)
        return task

    def _check_dates(self, definition: dict[str, Any]) -> None:
        now = self._clock.now()
        created, deadline, expires = (from_json(definition[k]) for k in ("created", "deadline", "expires"))
        complaints = {
            "`created` cannot be in the past": created < now - DRIFT,
            "`created` cannot be in the future": created > now + DRIFT,
            "`deadline` cannot be past `created`": created > deadline,
            "`deadline` cannot be in the past": deadline < now,
            "`deadline` cannot be more than 5 days into the future": deadline > now + LONGEST + DRIFT,
            "`expires` cannot be before `deadline`": expires < deadline,
        }
        for complaint, applies in complaints.items():
            if applies:
                raise InputError(complaint)


def _authorize(caller: Caller, definition: dict[str, Any]) -> None:
    """Require the scopes of a definition; the scope for a priority also covers less urgent ones."""
    sufficient = PRIORITIES[: PRIORITIES.index(definition["priority"]) + 1]
    queue_id = definition["taskQueueId"]
    caller.require(
        *definition["scopes"],
        *(f"queue:route:{route}" for route in definition["routes"]),
        f"queue:create-task:project:{definition['projectId']}",
        f"queue:scheduler-id:{definition['schedulerId']}",
        {"AnyOf": [f"queue:create-task:{priority}:{queue_id}" for priority in sufficient]},
    )

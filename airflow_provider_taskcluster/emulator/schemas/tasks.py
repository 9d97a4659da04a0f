"""Requests about tasks and their runs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from .fields import Identifier, LooseInstant, ProjectId, Request, Scope, SlugId, TaskQueueId, Unique, WorkerType

PRIORITIES = ("highest", "very-high", "high", "medium", "low", "very-low", "lowest")
Priority = Literal["highest", "very-high", "high", "medium", "low", "very-low", "lowest"]


def _whole(value: Any) -> Any:
    """JSON does not tell 5.0 from 5."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Metadata(Request):
    """Description of a task for humans."""

    name: Annotated[str, Field(max_length=255)]
    description: Annotated[str, Field(max_length=32768)]
    owner: Annotated[str, Field(max_length=255)]
    source: Annotated[str, Field(max_length=4096, pattern=r"^(https?://|ssh://|git@)")]


class CreateTask(Request):
    """Body of createTask: a task definition with its defaults."""

    taskQueueId: TaskQueueId | None = None
    provisionerId: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,38}$")] | None = None
    workerType: WorkerType | None = None
    schedulerId: Identifier = "-"
    projectId: ProjectId = "none"
    taskGroupId: SlugId | None = None
    dependencies: Annotated[list[SlugId], Field(max_length=10000), Unique] = []
    requires: Literal["all-completed", "all-resolved"] = "all-completed"
    routes: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=249)]],
        Field(max_length=64),
        Unique,
    ] = []
    priority: Priority = "lowest"
    retries: Annotated[int, Field(ge=0, le=49), BeforeValidator(_whole)] = 5
    created: LooseInstant
    deadline: LooseInstant
    expires: LooseInstant | None = None
    scopes: list[Scope] = []
    payload: dict[str, Any]
    metadata: Metadata
    tags: dict[str, Annotated[str, Field(max_length=4096)]] = {}
    extra: dict[str, Any] = {}


class TaskIds(Request):
    """Body of statuses and tasks."""

    taskIds: list[str] = []


class ChangePriority(Request):
    """Body of changeTaskPriority."""

    newPriority: Priority


class ClaimWork(Request):
    """Body of claimWork."""

    workerGroup: Identifier
    workerId: Identifier
    tasks: Annotated[int, Field(ge=1, le=32)] = 1


class ReportException(Request):
    """Body of reportException."""

    reason: Literal[
        "worker-shutdown", "malformed-payload", "resource-unavailable", "internal-error", "intermittent-task"
    ]

"""Shapes of the services' answers, in the services' own words (from their published schemas). Pure.

The types are for those who read the answers, the predicates for the one place that lets them in (``client.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]


class ArtifactInfo(TypedDict):
    """One artifact (``queue/v1/artifact-response.json``)."""

    storageType: str
    name: str
    expires: str
    contentType: str
    contentLength: NotRequired[int]


class ObjectMetadata(TypedDict):
    """A finished object (``object/v1/get-object-response.json``)."""

    projectId: str
    expires: str
    hashes: dict[str, str]


class TaskRun(TypedDict):
    """One run of a task, part of its status."""

    runId: int
    state: str
    reasonCreated: str
    scheduled: str
    started: NotRequired[str]
    resolved: NotRequired[str]
    reasonResolved: NotRequired[str]
    takenUntil: NotRequired[str]
    workerGroup: NotRequired[str]
    workerId: NotRequired[str]


class TaskStatus(TypedDict):
    """A task as it stands (``queue/v1/task-status.json``): unscheduled without runs, else in its last run's state."""

    taskId: str
    taskGroupId: str
    state: str
    runs: list[TaskRun]
    retriesLeft: int
    deadline: str
    expires: str


class IndexedTask(TypedDict):
    """The task at an index path (``index/v1/indexed-task-response.json``): the one of highest rank, then the latest."""

    namespace: str
    taskId: str
    rank: float
    data: Json
    expires: str


class PurgeRequest(TypedDict):
    """A wish that a cache be purged (``purge-cache/v1/purge-cache-requests.json``)."""

    provisionerId: str
    workerType: str
    cacheName: str
    before: str


class PurgeRequestPage(TypedDict):
    """One page of them (``purge-cache/v1/all-purge-cache-request-list.json``)."""

    requests: list[PurgeRequest]
    continuationToken: NotRequired[str]


_CONTENT: dict[str, dict[str, type]] = {
    "s3": {"url": str},
    "reference": {"url": str},
    "object": {"name": str, "credentials": dict},
    "error": {"reason": str, "message": str},
}
_CREATED: dict[str, dict[str, type]] = {
    "s3": {"putUrl": str, "expires": str, "contentType": str},
    "object": {"name": str, "projectId": str, "uploadId": str, "expires": str, "credentials": dict},
}
_GRANTS: dict[str, dict[str, type]] = {
    "getUrl": {"url": str, "expires": str, "hashes": dict},
    "simple": {"url": str},
}


def having(**fields: type) -> Callable[[Any], bool]:
    """Return the predicate for an object with at least these fields, of these types."""

    def fits(answer: Any) -> bool:
        return isinstance(answer, dict) and all(isinstance(answer.get(name), kind) for name, kind in fields.items())

    return fits


def is_content(answer: Any) -> bool:
    """Tell whether it is a ``queue/v1/artifact-content-response.json``, of whatever storage type."""
    return having(storageType=str)(answer) and having(**_CONTENT.get(answer["storageType"], {}))(answer)


def is_creation(answer: Any) -> bool:
    """Tell whether it is a ``queue/v1/post-artifact-response.json``, of whatever storage type."""
    return having(storageType=str)(answer) and having(**_CREATED.get(answer["storageType"], {}))(answer)


def has_task_status(answer: Any) -> bool:
    """Tell whether there is a ``queue/v1/task-status.json`` in it, as ``status``."""
    return _HAS_STATUS(answer) and _IS_STATUS(answer["status"]) and all(map(_IS_RUN, answer["status"]["runs"]))


# Made once: they see thousands of tasks.
_HAS_STATUS = having(status=dict)
_IS_STATUS = having(taskId=str, state=str, runs=list)
_IS_RUN = having(runId=int, state=str)


def is_page_of_statuses(answer: Any) -> bool:
    """Tell whether it is a ``queue/v1/tasks-statuses-response.json``."""
    return having(statuses=list)(answer) and all(map(has_task_status, answer["statuses"]))


def is_page_of_task_group(answer: Any) -> bool:
    """Tell whether it is a ``queue/v1/list-task-group-response.json``."""
    return having(tasks=list)(answer) and all(map(has_task_status, answer["tasks"]))


def is_indexed_task(answer: Any) -> bool:
    """Tell whether it is an ``index/v1/indexed-task-response.json``."""
    fields = having(namespace=str, taskId=str, data=dict, expires=str)
    return fields(answer) and isinstance(answer.get("rank"), int | float)


def is_download_grant(answer: Any) -> bool:
    """Tell whether it is an ``object/v1/download-object-response.json``, of whatever method."""
    return having(method=str)(answer) and having(**_GRANTS.get(answer["method"], {}))(answer)

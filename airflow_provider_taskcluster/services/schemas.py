"""Types and readers of the services' responses, after their published schemas. Pure.

The types describe the JSON to callers. The readers check it in one place (``client.py``): every field that is used,
with ``SchemaMismatch`` for a response of another shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from airflow_provider_taskcluster.services.readers import (
    SchemaMismatch,
    certificate,
    flag,
    free,
    header,
    hexadecimal,
    kind,
    label,
    message,
    number,
    text,
    timestamp,
    url,
    whole,
    word,
)
from airflow_provider_taskcluster.services.shapes import list_of, mapping_of, no_content, object_of, shallow, variants

if TYPE_CHECKING:
    from airflow_provider_taskcluster.services.readers import JsonReader

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
    reasonCreated: NotRequired[str]
    scheduled: NotRequired[str]
    started: NotRequired[str]
    resolved: NotRequired[str]
    reasonResolved: NotRequired[str]
    takenUntil: NotRequired[str]
    workerGroup: NotRequired[str]
    workerId: NotRequired[str]


class TaskStatus(TypedDict):
    """The status of a task (``queue/v1/task-status.json``): that of its last run, unscheduled if it has none."""

    taskId: str
    taskGroupId: str
    state: str
    runs: list[TaskRun]
    retriesLeft: int
    deadline: str
    expires: str


class ListedTask(TaskStatus):
    """The status of a task in the list of its group, with its tag ``label``.

    The entry of an unscheduled task also names the tasks that must complete first.
    """

    label: NotRequired[str]
    required: NotRequired[list[str]]


class TaskGroupInfo(TypedDict):
    """A task group without its tasks (``queue/v1/task-group-response.json``); ``sealed`` is there once it is."""

    taskGroupId: str
    schedulerId: str
    expires: str
    sealed: NotRequired[str]


class CanceledTaskGroup(TypedDict):
    """The tasks of a group that a cancel ended (``queue/v1/cancel-task-group-response.json``)."""

    taskGroupId: str
    taskGroupSize: int
    cancelledCount: int
    taskIds: list[str]


class IndexedTask(TypedDict):
    """The task at an index path (``index/v1/indexed-task-response.json``): the one of highest rank, then the latest."""

    namespace: str
    taskId: str
    rank: float
    data: Json
    expires: str


class StoredSecret(TypedDict):
    """A secret (``secrets/v1/secret.json``)."""

    secret: Json
    expires: str


class HookFire(TypedDict):
    """One fire of a hook (``hooks/v1/list-lastFires-response.json``)."""

    hookGroupId: str
    hookId: str
    firedBy: str
    taskId: str
    taskCreateTime: str
    result: str
    error: str
    taskState: str


class PurgeRequest(TypedDict):
    """A request to purge a cache (``purge-cache/v1/purge-cache-requests.json``)."""

    provisionerId: str
    workerType: str
    cacheName: str
    before: str


class PurgeRequestPage(TypedDict):
    """One page of purge requests (``purge-cache/v1/all-purge-cache-request-list.json``)."""

    requests: list[PurgeRequest]
    continuationToken: NotRequired[str]


_PAGE = {"continuationToken": header}
_CREDENTIALS = object_of({"clientId": header, "accessToken": header}, {"certificate": certificate})


def hashes(value: Any) -> dict[str, str]:
    """Read digests by algorithm (``object/v1/hashes.json``)."""
    digests: dict[str, str] = _DIGESTS(value)
    return dict(_KNOWN_DIGESTS(digests))


_DIGESTS = mapping_of(word)
_KNOWN_DIGESTS = object_of({}, {"sha256": hexadecimal(64), "sha512": hexadecimal(128)})

ARTIFACT = object_of(
    {"storageType": kind, "name": word, "expires": timestamp, "contentType": label}, {"contentLength": whole}
)
ARTIFACTS = object_of({"artifacts": list_of(ARTIFACT)}, _PAGE)
# queue/v1/artifact-content-response.json. The URL of a reference is checked by the code that allows or refuses it.
CONTENT = variants(
    "storageType",
    {
        "s3": object_of({"url": url}),
        "reference": object_of({"url": text}),
        "object": object_of({"name": word, "credentials": _CREDENTIALS}),
        "error": object_of({"reason": label, "message": message}),
    },
)
# queue/v1/get-artifact-response.json
REDIRECT = variants(
    "storageType",
    {"object": object_of({"url": url}), "s3": object_of({"url": url}), "reference": object_of({"url": text})},
)
# queue/v1/post-artifact-response.json
_CREATED = {
    "s3": object_of({"putUrl": url, "expires": timestamp, "contentType": header}),
    "object": object_of(
        {"name": word, "projectId": word, "uploadId": header, "expires": timestamp, "credentials": _CREDENTIALS}
    ),
}


def created_artifact(storage_type: str) -> JsonReader:
    """Return the reader of the response to ``createArtifact`` for one storage type; others are refused."""
    return variants("storageType", {storage_type: _CREATED.get(storage_type, object_of({}))})


# object/v1/create-upload-response.json
CREATED_UPLOAD = object_of(
    {
        "projectId": word,
        "uploadId": header,
        "expires": timestamp,
        "uploadMethod": object_of(
            {},
            {
                "putUrl": object_of({"url": url, "expires": timestamp, "headers": mapping_of(header)}),
                "dataInline": flag,
            },
        ),
    }
)
# object/v1/download-object-response.json
DOWNLOAD = variants(
    "method",
    {"getUrl": object_of({"url": url, "expires": timestamp, "hashes": hashes}), "simple": object_of({"url": url})},
)
OBJECT = object_of({"projectId": word, "expires": timestamp, "hashes": hashes})

_RUN = object_of(
    {"runId": whole, "state": kind},
    {
        "reasonCreated": kind,
        "reasonResolved": label,
        "workerGroup": label,
        "workerId": label,
        "scheduled": timestamp,
        "started": timestamp,
        "resolved": timestamp,
    },
)
_TASK = object_of({"taskId": word, "state": kind, "runs": list_of(_RUN)})
STATUS = object_of({"status": _TASK})
# queue/v1/task.json; only what an unscheduled task waits for is checked.
_DEPENDENCIES = object_of({}, {"dependencies": list_of(word), "requires": kind})
_LISTED = object_of({}, {"dependencies": list_of(word), "requires": kind, "tags": object_of({}, {"label": label})})
TASK_GROUP = object_of({"tasks": list_of(object_of({"status": _TASK}, {"task": _LISTED}))}, _PAGE)

GROUP_INFO = object_of({"taskGroupId": word, "schedulerId": word, "expires": timestamp}, {"sealed": timestamp})
CANCELED_GROUP = object_of(
    {"taskGroupId": word, "taskGroupSize": whole, "cancelledCount": whole, "taskIds": list_of(word)}
)


def task_definition(value: Any) -> Json:
    """Read a definition of a task."""
    found: Json = _DEPENDENCIES(shallow(value))
    return found


# Entries are read one by one later, so that an unreadable one does not hide the others.
STATUSES = object_of({"statuses": list_of(lambda entry: entry)}, _PAGE)
INDEXED_TASK = object_of(
    {"namespace": word, "taskId": word, "rank": number, "data": shallow, "expires": timestamp},
)
# Read one by one, as statuses are.
INDEXED_TASKS = object_of({"tasks": list_of(lambda entry: entry)}, _PAGE)


def _secret(value: Any) -> Json:
    """Read the value of a secret, which no error shows."""
    if not isinstance(value, dict):
        raise SchemaMismatch("not an object")
    return shallow(value)


STORED_SECRET = object_of({"secret": _secret, "expires": timestamp})
_PURGE_REQUEST = object_of({"provisionerId": word, "workerType": word, "cacheName": free, "before": timestamp})
PURGE_REQUESTS = object_of({"requests": list_of(_PURGE_REQUEST)}, _PAGE)
# hooks/v1/trigger-hook-response.json; empty if the template renders to nothing.
TRIGGERED = object_of({}, {"taskId": word})
_FIRE = object_of(
    {"taskId": word, "taskCreateTime": timestamp, "result": kind},
    {"hookGroupId": word, "hookId": word, "firedBy": label, "error": message, "taskState": kind},
)
LAST_FIRES = object_of({"lastFires": list_of(_FIRE)}, _PAGE)
SCOPES = object_of({"scopes": list_of(text)})
NO_CONTENT = no_content
ALIVE = object_of({"alive": flag})

"""Types and readers of the services' responses, after their published schemas. Pure.

The types describe the JSON to callers. The readers check it in one place (``client.py``): every field that is used,
with ``SchemaMismatch`` for a response of another shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from airflow_provider_taskcluster.services.readers import (
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
from airflow_provider_taskcluster.services.shapes import fields, list_of, mapping_of, no_content, shallow, variants

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
    reasonCreated: str
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


class IndexedTask(TypedDict):
    """The task at an index path (``index/v1/indexed-task-response.json``): the one of highest rank, then the latest."""

    namespace: str
    taskId: str
    rank: float
    data: Json
    expires: str


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
_CREDENTIALS = fields({"clientId": header, "accessToken": header}, {"certificate": certificate})


def hashes(value: Any) -> dict[str, str]:
    """Read digests by algorithm (``object/v1/hashes.json``)."""
    digests: dict[str, str] = _DIGESTS(value)
    return dict(_KNOWN_DIGESTS(digests))


_DIGESTS = mapping_of(word)
_KNOWN_DIGESTS = fields({}, {"sha256": hexadecimal(64), "sha512": hexadecimal(128)})

ARTIFACT = fields(
    {"storageType": kind, "name": word, "expires": timestamp, "contentType": label}, {"contentLength": whole}
)
ARTIFACTS = fields({"artifacts": list_of(ARTIFACT)}, _PAGE)
# queue/v1/artifact-content-response.json. The URL of a reference is checked by the code that allows or refuses it.
CONTENT = variants(
    "storageType",
    {
        "s3": fields({"url": url}),
        "reference": fields({"url": text}),
        "object": fields({"name": word, "credentials": _CREDENTIALS}),
        "error": fields({"reason": label, "message": message}),
    },
)
# queue/v1/get-artifact-response.json
REDIRECT = variants(
    "storageType", {"object": fields({"url": url}), "s3": fields({"url": url}), "reference": fields({"url": text})}
)
# queue/v1/post-artifact-response.json
_CREATED = {
    "s3": fields({"putUrl": url, "expires": timestamp, "contentType": header}),
    "object": fields(
        {"name": word, "projectId": word, "uploadId": header, "expires": timestamp, "credentials": _CREDENTIALS}
    ),
}


def created_artifact(storage_type: str) -> JsonReader:
    """Return the reader of the response to ``createArtifact`` for one storage type; others are refused."""
    return variants("storageType", {storage_type: _CREATED.get(storage_type, fields({}))})


# object/v1/create-upload-response.json
CREATED_UPLOAD = fields(
    {
        "projectId": word,
        "uploadId": header,
        "expires": timestamp,
        "uploadMethod": fields(
            {},
            {"putUrl": fields({"url": url, "expires": timestamp, "headers": mapping_of(header)}), "dataInline": flag},
        ),
    }
)
# object/v1/download-object-response.json
DOWNLOAD = variants(
    "method",
    {"getUrl": fields({"url": url, "expires": timestamp, "hashes": hashes}), "simple": fields({"url": url})},
)
OBJECT = fields({"projectId": word, "expires": timestamp, "hashes": hashes})

_RUN = fields(
    {"runId": whole, "state": kind},
    {"reasonResolved": label, "scheduled": timestamp, "started": timestamp, "resolved": timestamp},
)
_TASK = fields({"taskId": word, "state": kind, "runs": list_of(_RUN)})
STATUS = fields({"status": _TASK})
TASK_GROUP = fields({"tasks": list_of(STATUS)}, _PAGE)
# Entries are read one by one later, so that an unreadable one does not hide the others.
STATUSES = fields({"statuses": list_of(lambda entry: entry)}, _PAGE)
INDEXED_TASK = fields(
    {"namespace": word, "taskId": word, "rank": number, "data": shallow, "expires": timestamp},
)
# Read one by one, as statuses are.
INDEXED_TASKS = fields({"tasks": list_of(lambda entry: entry)}, _PAGE)
_PURGE_REQUEST = fields({"provisionerId": word, "workerType": word, "cacheName": free, "before": timestamp})
PURGE_REQUESTS = fields({"requests": list_of(_PURGE_REQUEST)}, _PAGE)
SCOPES = fields({"scopes": list_of(text)})
NO_CONTENT = no_content
ALIVE = fields({"alive": flag})

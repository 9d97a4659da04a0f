"""Shapes of the services' answers, in the services' own words (from their published schemas). Pure.

The types are for those who read the answers, the predicates for the one place that lets them in (``client.py``).
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

Json = dict[str, Any]


class ArtifactInfo(TypedDict):
    """One artifact (``queue/v1/artifact-response.json``)."""

    storageType: str
    name: str
    expires: str
    contentType: str
    contentLength: NotRequired[int]


class Run(TypedDict):
    """One run of a task (``queue/v1/task-status.json``)."""

    runId: int
    state: str


class ObjectMetadata(TypedDict):
    """A finished object (``object/v1/get-object-response.json``)."""

    projectId: str
    expires: str
    hashes: dict[str, str]


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


def is_status(answer: Any) -> bool:
    """Tell whether it is a ``queue/v1/task-status-response.json``."""
    return having(status=dict)(answer) and having(runs=list)(answer["status"])


def is_download_grant(answer: Any) -> bool:
    """Tell whether it is an ``object/v1/download-object-response.json``, of whatever method."""
    return having(method=str)(answer) and having(**_GRANTS.get(answer["method"], {}))(answer)


def timestamp(moment: datetime) -> str:
    """Write a date-time the way the services do: UTC, milliseconds, ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

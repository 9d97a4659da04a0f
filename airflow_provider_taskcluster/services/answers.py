"""Shapes of the services' answers, in the services' own words (from their published schemas). Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NotRequired, TypedDict

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


def instant(text: str) -> datetime:
    """Read a date-time of the services, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def timestamp(moment: datetime) -> str:
    """Write a date-time the way the services do: UTC, milliseconds, ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

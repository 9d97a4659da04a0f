"""Resolves a 409 from createUpload: finished by an earlier try, taken by other content, or held by another upload.

The upload scope is enough to recognise the first case: the service accepts a second finishUpload with equal hashes or
none, and refuses others. Digests and expiry of the existing object can be read only with a download scope.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, cast, get_args

from airflow_provider_taskcluster.exceptions import Conflict, InvalidInput, NotFound, ServiceError
from airflow_provider_taskcluster.transfer.upload.upload_id import random_upload_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_taskcluster.transfer.model import Json, ObjectService

log = logging.getLogger(__name__)

IfExists = Literal["verify", "fail", "skip"]

# finishUpload answers 409 for other hashes or another unfinished upload, 400 for another project.
FOREIGN_UPLOAD = {400, 409}
# How long an unfinished upload holds its name, until the service sweeps it.
HOLD_PERIOD = "for up to a day"


def checked_if_exists(value: str) -> IfExists:
    """Return a checked ``if_exists``.

    :raises InvalidInput: It is none of the choices.
    """
    if value not in get_args(IfExists):
        raise InvalidInput(f"if_exists is {value!r}: pass 'verify', 'fail' or 'skip'")
    return cast("IfExists", value)


@dataclass(frozen=True)
class Finished:
    """A finished object.

    :param hashes: Digests that the service names; may be empty.
    """

    hashes: Mapping[str, str]


NameHolder = Finished | Literal["expired", "unfinished", "unknown"]


def resolve_conflict(
    service: ObjectService,
    name: str,
    finish: Json,
    if_exists: IfExists,
    conflict: Conflict,
    *,
    may_be_expired: bool = True,
) -> dict[str, str]:
    """Return the digests of the existing object if ``if_exists`` accepts it.

    :param finish: A finishUpload request with our hashes and an uploadId that no upload has.
    :param may_be_expired: False for parts, whose names contain the expiry.
    :raises Conflict: It is not accepted; the message says what holds the name.
    """
    ours: dict[str, str] = finish["hashes"]
    same = if_exists != "fail" and _can_finish(service, name, finish)
    if same and not may_be_expired:
        return dict(ours)
    holder = find_holder(service, name, finish["projectId"], finished=same, needed=if_exists == "skip" and not same)
    if same and holder != "expired":
        log.info(
            "Object %r is there already, with the same content; expiry and content type are those of the upload "
            "that made it",
            name,
        )
        return dict(ours)
    if isinstance(holder, Finished) and if_exists != "fail":
        if holder.hashes.get("sha256") == ours["sha256"]:
            log.info("Object %r is there now, with the same content: another upload has just finished it", name)
            return dict(ours)
        if if_exists == "skip":
            log.info("Object %r is there already, with other content: left as it is", name)
            return dict(holder.hashes)
    reason = conflict_reason(name, ours, holder, if_exists)
    explained = Conflict(f"{conflict}. {reason}", status=conflict.status, code=conflict.code)
    explained.unfinished = holder in ("unfinished", "unknown")
    raise explained from conflict


def is_finished(service: ObjectService, name: str, project_id: str) -> bool:
    """Tell whether an upload of the name is finished and not swept yet. Needs the upload scope only."""
    try:
        return _can_finish(service, name, {"projectId": project_id, "uploadId": random_upload_id(), "hashes": {}})
    except NotFound:
        return False


def find_holder(service: ObjectService, name: str, project_id: str, *, finished: bool, needed: bool) -> NameHolder:
    """Return what holds a name.

    An expired object holds its name until the service sweeps it.

    :param finished: The upload is known to be finished: an object that is not found is then past its expiry.
    :param needed: The result depends on it, so a transient error is raised instead of returning ``unknown``.
    """
    try:
        metadata = service.object_metadata(name)
    except NotFound:
        if finished:
            return "expired"
        if not is_finished(service, name, project_id):
            return "unfinished"
        return find_holder(service, name, project_id, finished=True, needed=needed)  # finished a moment ago
    except ServiceError as error:
        if needed and error.transient:
            raise
        return "unknown"
    expired = datetime.fromisoformat(metadata["expires"]) <= datetime.now(UTC)
    return "expired" if expired else Finished(metadata["hashes"])


def _can_finish(service: ObjectService, name: str, finish: Json) -> bool:
    """Tell whether the service accepts a finishUpload, as it does for an object finished with the same hashes."""
    try:
        service.finish_upload(name, finish)
    except ServiceError as error:
        if error.status not in FOREIGN_UPLOAD:
            raise
        return False
    return True


def conflict_reason(name: str, ours: Mapping[str, str], holder: NameHolder, if_exists: IfExists) -> str:
    """Say what holds the name, and what to do next."""
    if holder == "unknown":
        return (
            f"The name is taken by other content, or by an unfinished upload, which holds it {HOLD_PERIOD} "
            f"(with the scope object:download:{name} this could say which): choose another name"
        )
    if holder == "unfinished":
        return (
            f"An unfinished upload of other content or expiry, or of somebody else, holds the name, {HOLD_PERIOD}: "
            f"wait for it, or choose another name"
        )
    if holder == "expired":
        return (
            "The object is past its expiry and cannot be read any more, but the service has not swept it yet, so that "
            "its name is still taken: try again later, or choose another name"
        )
    algorithm = next((known for known in ours if known in holder.hashes), "")
    if not algorithm:
        return "The object exists, and the service knows no digest to compare yours with: choose another name"
    if if_exists == "fail" and ours[algorithm] == holder.hashes[algorithm]:
        return "The object exists, with the same content, and if_exists is 'fail'"
    return (
        f"The object exists with other content ({algorithm} {holder.hashes[algorithm]}, and yours is "
        f"{ours[algorithm]}): choose another name"
    )

"""What a 409 from createUpload means: done by an earlier try, taken by other content, or held by somebody else.

An upload scope alone tells the first from the others: the service lets a finished upload be finished again with equal
hashes or with none, and with no others. To name the digests of what is there, and to see that it is past its expiry,
takes a download scope, and is left out without.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, cast, get_args

from airflow_provider_taskcluster.exceptions import Conflict, InvalidInput, NotFound, ServiceError
from airflow_provider_taskcluster.transfer.upload.identity import random_upload_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_taskcluster.transfer.model import Json, ObjectService

log = logging.getLogger(__name__)

IfExists = Literal["verify", "fail", "skip"]

# finishUpload answers 409 for other hashes or another unfinished upload, 400 for another project.
OF_SOMEBODY_ELSE = {400, 409}
# The service sweeps unfinished uploads so late.
HELD = "for up to a day"


def checked_if_exists(value: str) -> IfExists:
    """Return it if it is one.

    :raises InvalidInput: It is not.
    """
    if value not in get_args(IfExists):
        raise InvalidInput(f"if_exists is {value!r}: pass 'verify', 'fail' or 'skip'")
    return cast("IfExists", value)


@dataclass(frozen=True)
class Finished:
    """A finished object, with the digests that the service names, which may be none."""

    hashes: Mapping[str, str]


There = Finished | Literal["expired", "unfinished", "unknown"]


def settle(
    service: ObjectService,
    name: str,
    finish: Json,
    if_exists: IfExists,
    conflict: Conflict,
    *,
    may_be_expired: bool = True,
) -> dict[str, str]:
    """Return the digests of what is there, if the caller can live with it.

    :param finish: A finishUpload with our hashes, of an uploadId that no upload has.
    :param may_be_expired: False where the name tells the expiry, as those of parts do.
    :raises Conflict: It is not what the caller wants; says what holds the name.
    """
    ours: dict[str, str] = finish["hashes"]
    same = if_exists != "fail" and _taken(service, name, finish)
    if same and not may_be_expired:
        return dict(ours)
    there = look(service, name, finish["projectId"], finished=same, needed=if_exists == "skip" and not same)
    if same and there != "expired":
        log.info(
            "Object %r is there already, with the same content; expiry and content type are those of the upload "
            "that made it",
            name,
        )
        return dict(ours)
    if isinstance(there, Finished) and if_exists != "fail":
        if there.hashes.get("sha256") == ours["sha256"]:
            log.info("Object %r is there now, with the same content: another upload has just finished it", name)
            return dict(ours)
        if if_exists == "skip":
            log.info("Object %r is there already, with other content: left as it is", name)
            return dict(there.hashes)
    reason = why_not(name, ours, there, if_exists)
    settled = Conflict(f"{conflict}. {reason}", status=conflict.status, code=conflict.code)
    settled.unfinished = there in ("unfinished", "unknown")
    raise settled from conflict


def is_finished(service: ObjectService, name: str, project_id: str) -> bool:
    """Tell whether an upload of the name is finished, and not swept yet; the upload scope is enough for that."""
    try:
        return _taken(service, name, {"projectId": project_id, "uploadId": random_upload_id(), "hashes": {}})
    except NotFound:
        return False


def look(service: ObjectService, name: str, project_id: str, *, finished: bool, needed: bool) -> There:
    """Return what holds a name.

    The service keeps the row of an expired object until it sweeps it, and with it the name.

    :param finished: It is known to be finished: what cannot be read then is past its expiry.
    :param needed: The outcome hangs on it, so that an outage is not taken for an answer.
    """
    try:
        found = service.object_metadata(name)
    except NotFound:
        if finished:
            return "expired"
        if not is_finished(service, name, project_id):
            return "unfinished"
        return look(service, name, project_id, finished=True, needed=needed)  # it may be finished just now
    except ServiceError as error:
        if needed and error.transient:
            raise
        return "unknown"
    expired = datetime.fromisoformat(found["expires"]) <= datetime.now(UTC)
    return "expired" if expired else Finished(found["hashes"])


def _taken(service: ObjectService, name: str, finish: Json) -> bool:
    """Tell whether the service takes a finishUpload, which it does for what is finished with the same hashes."""
    try:
        service.finish_upload(name, finish)
    except ServiceError as error:
        if error.status not in OF_SOMEBODY_ELSE:
            raise
        return False
    return True


def why_not(name: str, ours: Mapping[str, str], there: There, if_exists: IfExists) -> str:
    """Say what is in the way, and what to do next."""
    if there == "unknown":
        return (
            f"The name is taken by other content, or by an unfinished upload, which holds it {HELD} "
            f"(with the scope object:download:{name} this could say which): choose another name"
        )
    if there == "unfinished":
        return (
            f"An unfinished upload of other content or expiry, or of somebody else, holds the name, {HELD}: "
            f"wait for it, or choose another name"
        )
    if there == "expired":
        return (
            "The object is past its expiry and cannot be read any more, but the service has not swept it yet, so that "
            "its name is still taken: try again later, or choose another name"
        )
    algorithm = next((known for known in ours if known in there.hashes), "")
    if not algorithm:
        return "The object exists, and the service knows no digest to compare yours with: choose another name"
    if if_exists == "fail" and ours[algorithm] == there.hashes[algorithm]:
        return "The object exists, with the same content, and if_exists is 'fail'"
    return (
        f"The object exists with other content ({algorithm} {there.hashes[algorithm]}, and yours is "
        f"{ours[algorithm]}): choose another name"
    )

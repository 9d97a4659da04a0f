"""What a 409 from createUpload means: done by an earlier try, taken by other content, or held by somebody else.

An upload scope alone tells the first from the others: the service lets a finished upload be finished again with equal
hashes, and with no others. To name the digests of what is there takes a download scope, and is left out without.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, get_args

from airflow_provider_taskcluster.exceptions import Conflict, InvalidInput, NotFound, ServiceError

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


def settle(service: ObjectService, name: str, finish: Json, if_exists: IfExists, conflict: Conflict) -> dict[str, str]:
    """Return the digests of what is there, if the caller can live with it.

    :param finish: A finishUpload with our hashes, of an uploadId that no upload has.
    :raises Conflict: It is not what the caller wants; says what holds the name.
    """
    if if_exists != "fail" and _finished(service, name, finish):
        log.info(
            "Object %r is there already, with the same content; expiry and content type are those of the upload "
            "that made it",
            name,
        )
        return dict(finish["hashes"])
    there = _there(service, name, needed=if_exists == "skip")
    if isinstance(there, _Finished) and if_exists != "fail":
        if there.hashes.get("sha256") == finish["hashes"]["sha256"]:
            log.info("Object %r is there now, with the same content: another upload has just finished it", name)
            return dict(finish["hashes"])
        if if_exists == "skip":
            log.info("Object %r is there already, with other content: left as it is", name)
            return dict(there.hashes)
    reason = _reason(name, finish["hashes"], there, if_exists)
    raise Conflict(f"{conflict}. {reason}", status=conflict.status, code=conflict.code) from conflict


@dataclass(frozen=True)
class _Finished:
    """A finished object, with the digests that the service names, which may be none."""

    hashes: Mapping[str, str]


def _finished(service: ObjectService, name: str, finish: Json) -> bool:
    try:
        service.finish_upload(name, finish)
    except ServiceError as error:
        if error.status not in OF_SOMEBODY_ELSE:
            raise
        return False
    return True


def _there(service: ObjectService, name: str, *, needed: bool) -> _Finished | Literal["unknown"] | None:
    """Return what is finished under the name, None if nothing is.

    :param needed: The outcome hangs on it, so that an outage is not taken for an answer.
    """
    try:
        return _Finished(service.object_metadata(name)["hashes"])
    except NotFound:
        return None
    except ServiceError as error:
        if needed and error.transient:
            raise
        return "unknown"


def _reason(
    name: str, ours: Mapping[str, str], there: _Finished | Literal["unknown"] | None, if_exists: IfExists
) -> str:
    if there == "unknown":
        return (
            f"The name is taken by other content, or by an unfinished upload of somebody else, which holds it {HELD} "
            f"(with the scope object:download:{name} this could say which): choose another name"
        )
    if not isinstance(there, _Finished):
        return f"An unfinished upload of somebody else holds the name, {HELD}: wait for it, or choose another name"
    algorithm = next((known for known in ours if known in there.hashes), "")
    if not algorithm:
        return "The object exists, and the service knows no digest to compare yours with: choose another name"
    if if_exists == "fail" and ours[algorithm] == there.hashes[algorithm]:
        return "The object exists, with the same content, and if_exists is 'fail'"
    return (
        f"The object exists with other content ({algorithm} {there.hashes[algorithm]}, and yours is "
        f"{ours[algorithm]}): choose another name"
    )

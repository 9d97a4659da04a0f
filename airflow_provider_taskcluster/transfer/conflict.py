"""What a 409 from createUpload means: done by an earlier try, taken by other content, or held by somebody else.

An upload scope alone tells the first from the others: the service lets a finished upload be finished again with equal
hashes, and with no others. To name the digests of what is there takes a download scope, and is left out without.
"""

from __future__ import annotations

import logging
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

    :param finish: The finishUpload of the same upload, with its hashes.
    :raises Conflict: It is not what the caller wants; says what holds the name.
    """
    if if_exists != "fail" and _finished(service, name, finish):
        log.info(
            "Object %r is there already, with the same content; expiry and content type are those of the upload "
            "that made it",
            name,
        )
        return dict(finish["hashes"])
    there = _hashes(service, name)
    if there and if_exists == "skip":
        log.info("Object %r is there already, with other content: left as it is", name)
        return dict(there)
    reason = _reason(finish["hashes"], there, if_exists)
    raise Conflict(f"{conflict}. {reason}", status=conflict.status, code=conflict.code) from conflict


def _finished(service: ObjectService, name: str, finish: Json) -> bool:
    try:
        service.finish_upload(name, finish)
    except ServiceError as error:
        if error.status not in OF_SOMEBODY_ELSE:
            raise
        return False
    return True


def _hashes(service: ObjectService, name: str) -> Mapping[str, str] | None:
    """Return the digests of the finished object, an empty mapping if it is not finished, None if we may not know."""
    try:
        hashes: Mapping[str, str] = service.object_metadata(name)["hashes"]
    except NotFound:
        return {}
    except ServiceError:
        return None
    return hashes


def _reason(ours: Mapping[str, str], there: Mapping[str, str] | None, if_exists: IfExists) -> str:
    if there is None:
        return (
            f"The name is taken by other content, or by an unfinished upload of somebody else, which holds it {HELD} "
            f"(with the scope object:download:<name> this could say which): choose another name"
        )
    if not there:
        return f"An unfinished upload of somebody else holds the name, {HELD}: wait for it, or choose another name"
    algorithm = next((known for known in ours if known in there), "")
    if if_exists == "fail" and ours.get(algorithm) == there.get(algorithm):
        return "The object exists, with the same content, and if_exists is 'fail'"
    return (
        f"The object exists with other content ({algorithm} {there.get(algorithm, 'unknown')}, and yours is "
        f"{ours.get(algorithm, 'unknown')}): choose another name"
    )

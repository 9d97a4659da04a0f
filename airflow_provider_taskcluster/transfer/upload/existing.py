"""Checks for an existing object before an upload in parts.

An upload in one piece meets a conflict before its bytes are sent; in parts, the conflict would come after all of them,
with the manifest. The upload scope is enough to learn whether the name is finished. To compare contents, whatever their
expiry, type and part size, takes the scope ``object:download:<name>``; without it, the parts are sent first.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import Conflict, TransferError
from airflow_provider_taskcluster.transfer.model import TransferResult
from airflow_provider_taskcluster.transfer.upload.conflict import Finished, conflict_reason, find_holder, is_finished
from airflow_provider_taskcluster.transfer.upload.measure import measure
from airflow_provider_taskcluster.transfer.upload.parts import effective_part_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.transfer.source.base import Source
    from airflow_provider_taskcluster.transfer.upload.measure import Measured
    from airflow_provider_taskcluster.transfer.upload.object import Target, Uploader
    from airflow_provider_taskcluster.transfer.upload.parts import PartSize

    WholeSha256 = Callable[[str], str | None]

log = logging.getLogger(__name__)


def existing_result(
    uploader: Uploader,
    source: Source,
    target: Target,
    part_size: PartSize | None,
    *,
    whole_sha256: WholeSha256,
    measured: Measured | None = None,
) -> TransferResult | None:
    """Return the upload's result if the object exists already; None if the parts must be sent.

    :param measured: Size and digests of the source, if it was read before.
    :param whole_sha256: Returns the sha256 of an object that was uploaded in parts, None for any other object.
    :raises Conflict: ``if_exists`` does not accept the existing object. With ``fail``, the source is not read.
    """
    existing = _find_finished(uploader, target)
    if existing is None:
        return None
    measured = measured or measure(source, uploader.store.check)
    whole = None if existing.hashes.get("sha256") == measured.sha256 else _sha256_of_parts(target.name, whole_sha256)
    content = {"sha256": whole} if whole else existing.hashes
    ours = content.get("sha256") == measured.sha256
    if not ours and target.if_exists != "skip":
        reason = conflict_reason(target.name, {"sha256": measured.sha256}, Finished(content), "verify")
        raise _conflict(target.name, reason)
    log.info(
        "Object %r is there already, with %s content: nothing is sent", target.name, "the same" if ours else "other"
    )
    _forget(target, measured, part_size)
    reporter = uploader.reporter(target.name)
    reporter.restart(measured.size)
    reporter.advance(measured.size)
    reporter.finish()
    return TransferResult(
        name=target.name,
        size=measured.size,
        content_type=target.content_type,
        digests={"sha256": measured.sha256} if ours else existing.hashes,
        method="multipart" if ours and whole else "already there",
        verified="sha256" if ours else "none",
        attempts=reporter.attempt,
        already_present=True,
    )


def _find_finished(uploader: Uploader, target: Target) -> Finished | None:
    """Return the finished object of this name; None if there is none, or it cannot be read.

    :raises Conflict: ``if_exists`` is ``fail``, or the object is past its expiry and still holds its name.
    """
    name, project_id, fail = target.name, target.identity.project_id, target.if_exists == "fail"
    if not is_finished(uploader.service, name, project_id):
        return None
    existing = find_holder(uploader.service, name, project_id, finished=True, needed=not fail)
    if existing == "expired":
        raise _conflict(name, conflict_reason(name, {}, existing, target.if_exists))
    if fail:
        raise _conflict(name, "The object exists, and if_exists is 'fail': choose another name")
    return existing if isinstance(existing, Finished) else None


def _sha256_of_parts(name: str, whole_sha256: WholeSha256) -> str | None:
    try:
        return whole_sha256(name)
    except TransferError as error:
        if error.transient:
            raise
        return None  # an untrusted manifest, or an object without hashes: other content


def _forget(target: Target, measured: Measured, part_size: PartSize | None) -> None:
    """Delete the record of an earlier try that died before deleting it."""
    if target.identity.recorder:
        target.identity.begin(measured.size, measured.sha256, effective_part_size(part_size, measured.size))
        target.identity.end()


def _conflict(name: str, reason: str) -> Conflict:
    return Conflict(f"The name {name!r} is taken, so no part was sent. {reason}")

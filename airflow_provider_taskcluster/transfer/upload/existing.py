"""What is finished under the name of an upload in parts, found out before a part is sent.

In one piece the conflict comes before the bytes; in parts it would come behind all of them, with the manifest. The
service tells by the upload scope whether the name is finished. What its content is, whatever its expiry, content type
and part size, takes the scope ``object:download:<name>``; without it the parts are sent, and the manifest decides.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import Conflict, TransferError
from airflow_provider_taskcluster.transfer.model import TransferResult
from airflow_provider_taskcluster.transfer.upload.conflict import Finished, is_finished, look, why_not
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


def already_there(
    uploader: Uploader,
    source: Source,
    target: Target,
    part_size: PartSize | None,
    *,
    whole_sha256: WholeSha256,
    measured: Measured | None = None,
) -> TransferResult | None:
    """Return what an upload in parts comes to without sending any, None if they are to be sent.

    :param measured: What is known of the source, if it was read already.
    :param whole_sha256: Tells the sha256 of what was uploaded in parts, None for any other object.
    :raises Conflict: What is there is not what the caller wants. Under ``fail`` the source is not read.
    """
    there = _finished(uploader, target)
    if there is None:
        return None
    started = time.monotonic()
    measured = measured or measure(source, uploader.store.check)
    whole = None if there.hashes.get("sha256") == measured.sha256 else _of_the_whole(target.name, whole_sha256)
    content = {"sha256": whole} if whole else there.hashes
    ours = content.get("sha256") == measured.sha256
    if not ours and target.if_exists != "skip":
        raise _conflict(target.name, why_not(target.name, {"sha256": measured.sha256}, Finished(content), "verify"))
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
        digests={"sha256": measured.sha256} if ours else there.hashes,
        method="multipart" if ours and whole else "already there",
        verified="sha256" if ours else "none",
        attempts=reporter.attempt,
        seconds=time.monotonic() - started,
        already_present=True,
    )


def _finished(uploader: Uploader, target: Target) -> Finished | None:
    """Return what is finished under the name; None if nothing is, or nobody may look.

    :raises Conflict: It must not exist, or holds its name past its expiry.
    """
    name, project_id, fail = target.name, target.identity.project_id, target.if_exists == "fail"
    if not is_finished(uploader.service, name, project_id):
        return None
    there = look(uploader.service, name, project_id, finished=True, needed=not fail)
    if there == "expired":
        raise _conflict(name, why_not(name, {}, there, target.if_exists))
    if fail:
        raise _conflict(name, "The object exists, and if_exists is 'fail': choose another name")
    return there if isinstance(there, Finished) else None


def _of_the_whole(name: str, whole_sha256: WholeSha256) -> str | None:
    try:
        return whole_sha256(name)
    except TransferError as error:
        if error.transient:
            raise
        return None  # a manifest that is not to be trusted, or an object without hashes: other content


def _forget(target: Target, measured: Measured, part_size: PartSize | None) -> None:
    """Drop the record of an earlier try that died before it could."""
    if target.identity.recorder:
        target.identity.begin(measured.size, measured.sha256, effective_part_size(part_size, measured.size))
        target.identity.end()


def _conflict(name: str, reason: str) -> Conflict:
    return Conflict(f"The name {name!r} is taken, so no part was sent. {reason}")

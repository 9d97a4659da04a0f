"""Uploads of objects: hash, negotiate, send, finish."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import Conflict, ServiceError
from airflow_provider_taskcluster.transfer.measure import measure
from airflow_provider_taskcluster.transfer.model import TransferResult
from airflow_provider_taskcluster.transfer.negotiation import Offer, chosen_upload, proposal
from airflow_provider_taskcluster.transfer.progress import Reporter

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from airflow_provider_taskcluster.transfer.config import TransferConfig
    from airflow_provider_taskcluster.transfer.http import Store
    from airflow_provider_taskcluster.transfer.model import Json, ObjectService
    from airflow_provider_taskcluster.transfer.source import Source

log = logging.getLogger(__name__)

# finishUpload answers 409 for other hashes or another unfinished upload, 400 for another project.
OF_SOMEBODY_ELSE = {400, 409}


@dataclass(frozen=True)
class Target:
    """What an upload shall become.

    :param name: Name of the object.
    :param project_id: Its project.
    :param expires: When it ends; part of the upload's identity, so the same in every try.
    :param content_type: Its content type.
    :param upload_id: Gives the uploadId for the sha256 of the content.
    """

    name: str
    project_id: str
    expires: datetime
    content_type: str
    upload_id: Callable[[str], str]


@dataclass(frozen=True)
class Uploader:
    """Uploads objects to one object service."""

    service: ObjectService
    store: Store
    config: TransferConfig

    def upload(self, source: Source, target: Target) -> TransferResult:
        """Bring the source to the service under the target's name.

        It is hashed before the first call, so that the upload is bound to its content from the beginning.

        :raises Conflict: The name is taken by other content, or by an upload of somebody else.
        :raises SourceChanged: The source is not what was hashed; the upload was not finished.
        """
        started = time.monotonic()
        measured = measure(source)
        reporter = Reporter(target.name, self.config.progress_seconds, self.config.on_progress)
        offer = Offer(source, measured, target.content_type, reporter)
        identity = {"projectId": target.project_id, "uploadId": target.upload_id(measured.sha256)}
        method, digests = self._move(offer, target, identity)
        reporter.finish()
        return TransferResult(
            name=target.name,
            size=measured.size,
            content_type=target.content_type,
            digests=digests,
            method=method,
            verified="+".join(digests),
            attempts=reporter.attempt,
            seconds=time.monotonic() - started,
        )

    def _move(self, offer: Offer, target: Target, identity: Json) -> tuple[str, dict[str, str]]:
        """Create, send and finish; return the method and the digests of what was sent.

        createUpload carries the sha256, which took a reading of its own; the sha512, which takes longer, is computed
        beside the sending and goes with finishUpload.
        """
        known = {"sha256": offer.measured.sha256}
        request = {
            **identity,
            "expires": target.expires.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "hashes": known,
            "proposedUploadMethods": proposal(offer),
        }
        try:
            answer = self.service.create_upload(target.name, request)
        except Conflict as conflict:
            self._require_finished(target.name, {**identity, "hashes": known}, conflict)
            return "already there", known
        method, granted = chosen_upload(target.name, answer)

        def renew() -> object:
            return chosen_upload(target.name, self.service.create_upload(target.name, request))[1]

        sent = method.move(offer, granted, renew, self.store)
        self.service.finish_upload(target.name, {**identity, "hashes": sent})
        return method.name, sent

    def _require_finished(self, name: str, finish: Json, conflict: Conflict) -> None:
        """Tell an earlier try that was finished from a name that is taken.

        The service lets a finished upload be finished again with equal hashes, and with no others.
        """
        try:
            self.service.finish_upload(name, finish)
        except ServiceError as error:
            if error.status not in OF_SOMEBODY_ELSE:
                raise
            raise Conflict(
                f"{conflict}. The name is taken by other content, or by an unfinished upload of somebody else, "
                f"which holds it for up to a day: choose another name",
                status=conflict.status,
                code=conflict.code,
            ) from conflict
        log.info(
            "Object %r is there already, with the same content; expiry and content type are those of the upload "
            "that made it",
            name,
        )

"""Uploads of objects: hash, negotiate, send, finish."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.timestamps import iso_timestamp
from airflow_provider_taskcluster.exceptions import Conflict
from airflow_provider_taskcluster.transfer.model import TransferResult
from airflow_provider_taskcluster.transfer.progress import Reporter, timed
from airflow_provider_taskcluster.transfer.upload.conflict import HOLD_PERIOD, resolve_conflict
from airflow_provider_taskcluster.transfer.upload.measure import measure
from airflow_provider_taskcluster.transfer.upload.method import Offer
from airflow_provider_taskcluster.transfer.upload.methods import chosen_upload, proposal
from airflow_provider_taskcluster.transfer.upload.upload_id import random_upload_id

if TYPE_CHECKING:
    from airflow_provider_taskcluster.transfer.config import TransferConfig
    from airflow_provider_taskcluster.transfer.http.client import StoreClient
    from airflow_provider_taskcluster.transfer.model import Json, ObjectService
    from airflow_provider_taskcluster.transfer.source.base import Source
    from airflow_provider_taskcluster.transfer.threads.buffers import Failure
    from airflow_provider_taskcluster.transfer.upload.conflict import IfExists
    from airflow_provider_taskcluster.transfer.upload.identity import Identity
    from airflow_provider_taskcluster.transfer.upload.measure import Measured
    from airflow_provider_taskcluster.transfer.upload.method import UploadMethod

PART_TYPE = "application/octet-stream"
# Next step if the source changes after createUpload.
_NAME_IS_HELD = f"it holds its name {HOLD_PERIOD}, so upload what the source is when it is complete under another one"


@dataclass(frozen=True)
class Target:
    """The object to create, or a part of it.

    :param identity: Name, project, expiry and upload ids of the object, equal in every try.
    :param content_type: Its content type.
    :param if_exists: How to treat a finished object of this name.
    :param part_name: Name of the part, which has content and expiry in it; None for the object itself.
    :param shown: Name of the object in the log, if not its own.
    """

    identity: Identity
    content_type: str
    if_exists: IfExists = "verify"
    part_name: str | None = None
    shown: str | None = None

    @property
    def name(self) -> str:
        """Name of the object or part."""
        return self.part_name or self.identity.name

    def of_part(self, name: str) -> Target:
        """Return the target of a part with this name."""
        return replace(self, part_name=name, content_type=PART_TYPE, if_exists="verify")


@dataclass(frozen=True)
class Uploader:
    """Uploads objects to one object service, each in one piece."""

    service: ObjectService
    store: StoreClient
    config: TransferConfig

    @timed
    def upload(self, source: Source, target: Target, measured: Measured | None = None) -> TransferResult:
        """Upload the source under the target's name.

        The source is hashed before the first call, which binds the upload to its content.

        :param measured: Size and digests of the source, if it was read before.
        :raises Conflict: The name is taken by other content, or held by another upload.
        :raises SourceChanged: The source changed after it was hashed; the upload was not finished.
        """
        measured = measured or measure(source, self.store.check)
        target.identity.begin(measured.size, measured.sha256)
        result = self.send(source, measured, target, self.reporter(target.shown or target.name))
        target.identity.end()
        return result

    def reporter(self, name: str) -> Reporter:
        """Return the reporter of an upload's progress."""
        return Reporter(name, self.config.progress_seconds, self.config.on_progress)

    def send(
        self,
        source: Source,
        measured: Measured,
        target: Target,
        reporter: Reporter,
        failure: Failure | None = None,
    ) -> TransferResult:
        """Send a measured source; ``target.identity.begin`` was called before.

        :param failure: Failure of the overall upload, if parts are sent at once: it ends the waits between tries.
        :raises Interrupted: The task was told to stop.
        """
        self.store.check()
        offer = Offer(source, measured, target.content_type, reporter, failure)
        method, digests = self._move(offer, target)
        reporter.finish()
        ours = digests.get("sha256") == measured.sha256  # else if_exists is "skip", and other content is there
        return TransferResult(
            name=target.name,
            size=measured.size,
            content_type=target.content_type,
            digests=digests,
            method=method or "already there",
            verified="+".join(digests) if ours else "none",
            attempts=reporter.attempt,
            already_present=method is None,
        )

    def _move(self, offer: Offer, target: Target) -> tuple[str | None, dict[str, str]]:
        """Create, send and finish; return the method (None if the object exists already) and the digests.

        createUpload carries the sha256, known from the first reading; the slower sha512 is computed during the sending
        and goes with finishUpload.
        """
        sha256 = offer.measured.sha256
        identity = {
            "projectId": target.identity.project_id,
            "uploadId": target.identity.upload_id(target.name, sha256),
        }
        known = {**identity, "hashes": {"sha256": sha256}}
        request = {
            **known,
            "expires": iso_timestamp(target.identity.expires),
            "proposedUploadMethods": proposal(offer),
        }
        try:
            method, sent = self._sent(offer, target, request, known)
        except Conflict as conflict:  # of identical simultaneous first calls, one may meet a false conflict
            if not conflict.unfinished:
                raise
            method, sent = self._sent(offer, target, request, known)
        if method is not None:
            self.service.finish_upload(target.name, {**identity, "hashes": sent})
        return method, sent

    def _sent(self, offer: Offer, target: Target, request: Json, known: Json) -> tuple[str | None, dict[str, str]]:
        """Create and send; return the method (None if the object exists already) and the digests.

        :param known: The finishUpload request as far as it is known before the bytes are sent.
        :raises Conflict: The name is taken, and ``if_exists`` does not accept the object.
        """

        def create() -> tuple[UploadMethod, object]:
            answer = self.service.create_upload(target.name, request)
            return chosen_upload(target.name, request["proposedUploadMethods"], answer)

        try:
            method, granted = create()
            bound = offer if target.part_name else replace(offer, when_changed=_NAME_IS_HELD)
            return method.name, method.move(bound, granted, lambda: create()[1], self.store)
        except Conflict as conflict:  # from the first call, or because another try has finished it since
            # Any uploadId can finish a finished object again; the caller's own could finish one that was never sent.
            finish = {**known, "uploadId": random_upload_id()}
            there = resolve_conflict(
                self.service, target.name, finish, target.if_exists, conflict, may_be_expired=not target.part_name
            )
            return None, there

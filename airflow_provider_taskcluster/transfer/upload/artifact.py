"""Uploads of artifacts: announce at the queue, send to the granted store, declare present.

**How a retry survives.** An s3 artifact can be announced repeatedly. An object artifact cannot: the queue reserves its
object under an uploadId that it returns once, and any repetition is a 500. So the source is hashed, and the recorder
tested, before the announcement; the reservation, without the queue's credentials, is recorded at once. A later try
with the same content declares the artifact present if its bytes are stored. Else it uploads them with the connection's
scopes (``object:upload:<projectId>:<object>``), since the queue's credentials are gone. Without a record, the retry can
only check whether the same content is present; if not, the name is lost for this run, and the error says so.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.common.names import fits_client_id
from airflow_provider_taskcluster.common.timestamps import iso_timestamp
from airflow_provider_taskcluster.exceptions import (
    Conflict,
    ConnectionFailed,
    ServiceError,
    ServiceUnavailable,
    TaskclusterError,
    TooLarge,
)
from airflow_provider_taskcluster.transfer.config import GIB
from airflow_provider_taskcluster.transfer.model import TransferResult
from airflow_provider_taskcluster.transfer.parts_manifest import LARGEST_PART
from airflow_provider_taskcluster.transfer.progress import timed
from airflow_provider_taskcluster.transfer.upload import recorder as records
from airflow_provider_taskcluster.transfer.upload.identity import Identity
from airflow_provider_taskcluster.transfer.upload.measure import measure
from airflow_provider_taskcluster.transfer.upload.method import Offer
from airflow_provider_taskcluster.transfer.upload.object import Target, Uploader
from airflow_provider_taskcluster.transfer.upload.put_url import PutUrl
from airflow_provider_taskcluster.transfer.upload.upload_id import milliseconds

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_taskcluster.transfer.config import TransferConfig
    from airflow_provider_taskcluster.transfer.http.client import StoreClient
    from airflow_provider_taskcluster.transfer.model import ArtifactPublisher, ArtifactState, Json, ObjectService
    from airflow_provider_taskcluster.transfer.source.base import Source
    from airflow_provider_taskcluster.transfer.upload.measure import Measured
    from airflow_provider_taskcluster.transfer.upload.recorder import Recorder, UploadRecord

log = logging.getLogger(__name__)

_NOT_STORED = {400, 404}  # of finishArtifact
_SERVER_ERROR = 500


@dataclass(frozen=True)
class ArtifactTarget:
    """The artifact to create.

    :param expires: Expiry, not after the task's own.
    """

    root_url: str
    task_id: str
    run_id: int
    name: str
    expires: datetime
    content_type: str

    def __str__(self) -> str:
        return f"artifact {self.name!r} of run {self.run_id} of task {self.task_id}"


@dataclass(frozen=True)
class ReservedObject:
    """The object that the queue has reserved for an artifact."""

    name: str
    project_id: str
    upload_id: str


@dataclass(frozen=True)
class ArtifactUploader:
    """Uploads artifacts to one queue, each in one piece: the queue's credentials are valid for one name.

    :param recorder: Keeps the queue's reservation for the next try.
    """

    service: ArtifactPublisher
    store: StoreClient
    config: TransferConfig
    recorder: Recorder | None

    @timed
    def upload(self, source: Source, target: ArtifactTarget, storage_type: str) -> TransferResult:
        """Publish the source as an artifact.

        :param storage_type: ``object`` or ``s3``.
        :raises Conflict: The name is taken by other content, or was announced by a try that left no record.
        :raises TooLarge: The source does not fit into one PUT.
        """
        measured = measure(source, self.store.check)
        if measured.size > LARGEST_PART:
            raise TooLarge(
                f"{target} has {measured.size} bytes, more than one PUT carries ({LARGEST_PART // GIB} GiB): "
                f"publish it in pieces"
            )
        send = self._as_s3 if storage_type == "s3" else self._as_object
        return replace(send(source, target, measured), name=target.name)

    def _as_s3(self, source: Source, target: ArtifactTarget, measured: Measured) -> TransferResult:
        def announce() -> Json:
            answer = self._create(target, "s3", measured)
            return {
                "url": answer["putUrl"],
                "expires": answer["expires"],
                "headers": {"Content-Type": answer["contentType"], "Content-Length": str(measured.size)},
            }

        reporter = Uploader(self.service, self.store, self.config).reporter(target.name)
        offer = Offer(source, measured, target.content_type, reporter)
        digests = PutUrl().move(offer, announce(), announce, self.store)
        reporter.finish()
        return _result(target, measured, digests, method="s3", verified="length", attempts=reporter.attempt)

    def _as_object(self, source: Source, target: ArtifactTarget, measured: Measured) -> TransferResult:
        record = self._new_record(target, measured)
        if reserved := self._load_reserved(record):
            if self._try_finish(target, reserved, measured):
                return self._existing_result(target, measured, record)
            service: ObjectService = self.service
        else:
            records.check_recorder(self.recorder, record)
            try:
                answer = self._create(target, "object", measured)
            except _RepeatedError as repeated:
                self._require_equal(target, measured, repeated.state)
                return self._existing_result(target, measured, record)
            reserved = ReservedObject(answer["name"], answer["projectId"], answer["uploadId"])
            kept = json.dumps([reserved.name, reserved.project_id, reserved.upload_id])
            records.save(self.recorder, replace(record, key=kept))
            service = self.service.objects_as(answer["credentials"])
        identity = Identity(
            target.root_url, reserved.project_id, reserved.name, target.expires, own_id=reserved.upload_id
        )
        object_target = Target(identity, target.content_type, shown=target.name)
        result = Uploader(service, self.store, self.config).upload(source, object_target, measured)
        self._finish(target, reserved, measured)
        records.forget(self.recorder, record)
        return result

    def _create(self, target: ArtifactTarget, storage_type: str, measured: Measured) -> Json:
        """Announce the artifact.

        :raises _RepeatedError: An object artifact of this name was announced before.
        """
        request: Json = {
            "storageType": storage_type,
            "expires": iso_timestamp(target.expires),
            "contentType": target.content_type,
        }
        if storage_type == "s3":  # for an object, contentLength makes the queue answer every finishArtifact with 500
            request["contentLength"] = measured.size

        def attempt() -> Json:
            try:
                return self.service.create_artifact(target.task_id, target.run_id, target.name, request)
            except ServiceUnavailable as error:
                if error.status != _SERVER_ERROR or storage_type != "object":
                    raise
                state = self.service.artifact_state(target.task_id, target.run_id, target.name)
                if state == "absent":  # the 500 has another cause
                    raise
            raise _RepeatedError(state)

        answer: Json = self.store.network.retry.retrying(sleep=self.store.sleep)(attempt)
        return answer

    def _load_reserved(self, record: UploadRecord) -> ReservedObject | None:
        kept = records.load(self.recorder, record.slot)
        if kept is None or not kept.fits(record):
            return None
        try:
            return ReservedObject(*json.loads(kept.key or ""))
        except (ValueError, TypeError, RecursionError):
            return None

    def _new_record(self, target: ArtifactTarget, measured: Measured) -> UploadRecord:
        return records.UploadRecord(
            root_url=target.root_url,
            project_id=f"artifact of {target.task_id}/{target.run_id}",
            name=target.name,
            expires=milliseconds(target.expires),
            size=measured.size,
            sha256=measured.sha256,
        )

    def _finish(self, target: ArtifactTarget, reserved: ReservedObject, measured: Measured) -> None:
        """Declare the artifact present. After a 500 or a lost response, check whether it is present already.

        :raises Conflict: It is present with other content.
        """

        def attempt() -> None:
            try:
                self.service.finish_artifact(target.task_id, target.run_id, target.name, reserved.upload_id)
            except (ServiceUnavailable, ConnectionFailed) as error:
                if not self._is_present(target, measured):
                    raise
                log.info("The %s is present, though its finishArtifact failed: %s", visible(target), visible(error))

        self.store.network.retry.retrying(sleep=self.store.sleep)(attempt)

    def _is_present(self, target: ArtifactTarget, measured: Measured) -> bool:
        """Check once whether the artifact is present. If its sha256 cannot be read, the upload id proves the content.

        :raises Conflict: It is present with other content.
        """
        try:
            if not self.service.artifact_is_present(target.task_id, target.run_id, target.name):
                return False
        except TaskclusterError as error:
            log.info("Whether the %s is present cannot be seen: %s", visible(target), visible(error))
            return False
        sha256 = self._sha256(target)
        if sha256 not in {None, measured.sha256}:
            raise _other_content(target, measured, sha256)
        return True

    def _try_finish(self, target: ArtifactTarget, reserved: ReservedObject, measured: Measured) -> bool:
        """Declare the artifact present if its bytes are stored; return whether they are."""
        try:
            self._finish(target, reserved, measured)
        except ServiceError as error:
            if error.status not in _NOT_STORED:
                raise
            return False
        return True

    def _existing_result(self, target: ArtifactTarget, measured: Measured, record: UploadRecord) -> TransferResult:
        log.info("The %s is there already, with the same content", visible(target))
        records.forget(self.recorder, record)
        digests = {"sha256": measured.sha256}
        result = _result(target, measured, digests, method="already there", verified="sha256", attempts=1)
        return replace(result, already_present=True)

    def _require_equal(self, target: ArtifactTarget, measured: Measured, state: ArtifactState) -> None:
        """Return if the artifact is present with the same content.

        :raises Conflict: It is present with other content, or announced under an upload id that is lost.
        """
        if state == "announced":
            raise Conflict(
                f"The {target} was announced by an earlier try, which has left no upload id, and the queue gives no "
                f"other: publish it under another name, or as storage_type='s3', or rerun the task. A recorder "
                f"(or Airflow's task state store) keeps the upload id for the next try"
            ) from None
        sha256 = self._sha256(target)
        if sha256 != measured.sha256:
            raise _other_content(target, measured, sha256) from None

    def _sha256(self, target: ArtifactTarget) -> str | None:
        """Return the sha256 of a present artifact, None if it cannot be read. Scope ``queue:get-artifact:<name>``.

        If the artifact's name makes the queue's credentials useless, those of the connection are tried.
        """
        service: ObjectService = self.service
        try:
            located: dict[str, Any] = self.service.artifact_content(
                target.task_id, target.name, target.run_id, once=True
            )
            if fits_client_id(located["credentials"]["clientId"]):
                service = self.service.objects_as(located["credentials"])
            hashes: dict[str, str] = dict(service.object_metadata(located["name"])["hashes"])
        except (ServiceError, KeyError) as error:
            log.info("The sums of the %s cannot be read: %s", visible(target), visible(error))
            return None
        return hashes.get("sha256")


class _RepeatedError(Exception):
    """An object artifact was announced for the second time.

    :param state: State of the artifact after the first announcement.
    """

    def __init__(self, state: ArtifactState) -> None:
        super().__init__(state)
        self.state = state


def _other_content(target: ArtifactTarget, measured: Measured, sha256: str | None) -> Conflict:
    content = f"with the sha256 {sha256}" if sha256 else "and its sums cannot be read"
    return Conflict(f"The {target} exists, {content}, and yours is {measured.sha256}: choose another name")


def _result(
    target: ArtifactTarget, measured: Measured, digests: dict[str, str], *, method: str, verified: str, attempts: int
) -> TransferResult:
    return TransferResult(
        name=target.name,
        size=measured.size,
        content_type=target.content_type,
        digests=digests,
        method=method,
        verified=verified,
        attempts=attempts,
    )

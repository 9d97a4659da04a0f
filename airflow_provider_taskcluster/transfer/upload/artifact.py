"""Uploads of artifacts: announced at the queue, sent to where it says, and declared present.

**How a retry survives.** An s3 artifact can be announced again and again. An object artifact cannot: the queue reserves
its object under an uploadId that it tells once, and any repetition is a 500. So the source is read and hashed, and the
recorder is tried, before it is announced; what the queue said, without its credentials, goes to the recorder at once.
A later try with the same content declares the artifact present if its bytes are there, else it uploads under the
scopes of the connection (``object:upload:<projectId>:<object>``), as the credentials of the queue are gone. Without a
record it can only look whether the same content is there; if not, the name is lost for this run, and the error says so.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.common.names import fits_client_id
from airflow_provider_taskcluster.common.timestamps import iso_timestamp
from airflow_provider_taskcluster.exceptions import (
    Conflict,
    ConnectionFailed,
    NotFound,
    ServiceError,
    ServiceUnavailable,
    TaskclusterError,
    TooLarge,
)
from airflow_provider_taskcluster.transfer.config import GIB
from airflow_provider_taskcluster.transfer.model import TransferResult
from airflow_provider_taskcluster.transfer.parts_manifest import LARGEST_PART
from airflow_provider_taskcluster.transfer.upload import recorder as records
from airflow_provider_taskcluster.transfer.upload.identity import milliseconds
from airflow_provider_taskcluster.transfer.upload.measure import measure
from airflow_provider_taskcluster.transfer.upload.method import Offer
from airflow_provider_taskcluster.transfer.upload.object import Target, Uploader
from airflow_provider_taskcluster.transfer.upload.put_url import PutUrl
from airflow_provider_taskcluster.transfer.upload.upload_id import Identity

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_taskcluster.transfer.config import TransferConfig
    from airflow_provider_taskcluster.transfer.http.client import StoreClient
    from airflow_provider_taskcluster.transfer.model import ArtifactPublisher, ArtifactState, Json, ObjectService
    from airflow_provider_taskcluster.transfer.source.base import Source
    from airflow_provider_taskcluster.transfer.upload.measure import Measured
    from airflow_provider_taskcluster.transfer.upload.recorder import Recorder, UploadRecord

log = logging.getLogger(__name__)

_INPUT_ERROR = 400
_SERVER_ERROR = 500


@dataclass(frozen=True)
class ArtifactTarget:
    """What an artifact shall become.

    :param expires: When it ends, not after its task.
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
class Reserved:
    """The object that the queue has reserved for an artifact."""

    name: str
    project_id: str
    upload_id: str


@dataclass(frozen=True)
class ArtifactUploader:
    """Uploads artifacts to one queue, each in one piece: its credentials hold for one name.

    :param recorder: Keeps what the queue said, for the next try.
    """

    service: ArtifactPublisher
    store: StoreClient
    config: TransferConfig
    recorder: Recorder | None

    def upload(self, source: Source, target: ArtifactTarget, storage_type: str) -> TransferResult:
        """Publish the source as an artifact.

        :param storage_type: ``object`` or ``s3``.
        :raises Conflict: The name is taken by other content, or was announced by a try that left no record.
        :raises TooLarge: It does not fit into one PUT.
        """
        started = time.monotonic()
        measured = measure(source, self.store.check)
        if measured.size > LARGEST_PART:
            raise TooLarge(
                f"{target} has {measured.size} bytes, more than one PUT carries ({LARGEST_PART // GIB} GiB): "
                f"publish it in pieces"
            )
        send = self._as_s3 if storage_type == "s3" else self._as_object
        return replace(send(source, target, measured), name=target.name, seconds=time.monotonic() - started)

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
        record = self._record(target, measured)
        if reserved := self._recorded(record):
            if self._finished(target, reserved, measured):
                return self._present(target, measured, record)
            service: ObjectService = self.service
        else:
            records.check(self.recorder, record)
            try:
                answer = self._create(target, "object", measured)
            except _RepeatedError as repeated:
                self._require_equal(target, measured, repeated.state)
                return self._present(target, measured, record)
            reserved = Reserved(answer["name"], answer["projectId"], answer["uploadId"])
            kept = json.dumps([reserved.name, reserved.project_id, reserved.upload_id])
            records.save(self.recorder, replace(record, key=kept))
            service = self.service.objects_as(answer["credentials"])
        identity = Identity(
            target.root_url, reserved.project_id, reserved.name, target.expires, own_id=reserved.upload_id
        )
        what = Target(reserved.name, identity, target.content_type, shown=target.name)
        result = Uploader(service, self.store, self.config).upload(source, what, measured)
        self._finish(target, reserved, measured)
        records.forget(self.recorder, record)
        return result

    def _create(self, target: ArtifactTarget, storage_type: str, measured: Measured) -> Json:
        """Announce it.

        :raises _RepeatedError: An object artifact, it seems for the second time.
        """
        request: Json = {
            "storageType": storage_type,
            "expires": iso_timestamp(target.expires),
            "contentType": target.content_type,
        }
        if storage_type == "s3":  # with the length of an object, the queue answers every finishArtifact with 500
            request["contentLength"] = measured.size

        def attempt() -> Json:
            try:
                return self.service.create_artifact(target.task_id, target.run_id, target.name, request)
            except ServiceUnavailable as error:
                if error.status != _SERVER_ERROR or storage_type != "object":
                    raise
                state = self.service.artifact_state(target.task_id, target.run_id, target.name)
                if state == "absent":  # the 500 is about something else
                    raise
            raise _RepeatedError(state)

        answer: Json = self.store.network.retry.retrying(sleep=self.store.sleep)(attempt)
        return answer

    def _recorded(self, record: UploadRecord) -> Reserved | None:
        kept = records.load(self.recorder, record.slot)
        if kept is None or not kept.fits(record):
            return None
        try:
            return Reserved(*json.loads(kept.key or ""))
        except (ValueError, TypeError, RecursionError):
            return None

    def _record(self, target: ArtifactTarget, measured: Measured) -> UploadRecord:
        return records.UploadRecord(
            root_url=target.root_url,
            project_id=f"artifact of {target.task_id}/{target.run_id}",
            name=target.name,
            expires=milliseconds(target.expires),
            size=measured.size,
            sha256=measured.sha256,
        )

    def _finish(self, target: ArtifactTarget, reserved: Reserved, measured: Measured) -> None:
        """Declare it present. A 500, or no answer, may hide that it is present now, so each is looked into.

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
        """Look once. Where its sha256 may not be read, the upload id has told that the content is ours.

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

    def _finished(self, target: ArtifactTarget, reserved: Reserved, measured: Measured) -> bool:
        """Declare it present, if its bytes are there."""
        try:
            self._finish(target, reserved, measured)
        except NotFound:
            return False
        except ServiceError as error:
            if error.status != _INPUT_ERROR:
                raise
            return False
        return True

    def _present(self, target: ArtifactTarget, measured: Measured, record: UploadRecord) -> TransferResult:
        log.info("The %s is there already, with the same content", visible(target))
        records.forget(self.recorder, record)
        digests = {"sha256": measured.sha256}
        found = _result(target, measured, digests, method="already there", verified="sha256", attempts=1)
        return replace(found, already_present=True)

    def _require_equal(self, target: ArtifactTarget, measured: Measured, state: ArtifactState) -> None:
        """Return if the artifact is there with the same content.

        :raises Conflict: It is there with other content, or announced and nobody knows its upload id any more.
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
        """Ask for the sum of an artifact that is present. Scope ``queue:get-artifact:<name>``.

        Where its name makes the credentials useless, those of the connection may do.
        """
        try:
            found: dict[str, Any] = self.service.artifact_content(target.task_id, target.name, target.run_id, once=True)
            usable = fits_client_id(found["credentials"]["clientId"])
            service = self.service.objects_as(found["credentials"]) if usable else self.service
            hashes: dict[str, str] = dict(service.object_metadata(found["name"])["hashes"])
        except (ServiceError, KeyError) as error:
            log.info("The sums of the %s cannot be read: %s", visible(target), visible(error))
            return None
        return hashes.get("sha256")


class _RepeatedError(Exception):
    """An object artifact was announced for the second time.

    :param state: How far the first announcement got.
    """

    def __init__(self, state: ArtifactState) -> None:
        super().__init__(state)
        self.state = state


def _other_content(target: ArtifactTarget, measured: Measured, sha256: str | None) -> Conflict:
    found = f"with the sha256 {sha256}" if sha256 else "and its sums cannot be read"
    return Conflict(f"The {target} exists, {found}, and yours is {measured.sha256}: choose another name")


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
        seconds=0.0,
    )

"""The hook's uploads of artifacts to a running task, with the task's credentials or the connection's own scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from airflow_provider_taskcluster.assets.uris import artifact_uri
from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.arguments import explicit_run
from airflow_provider_taskcluster.common.timestamps import iso_timestamp
from airflow_provider_taskcluster.exceptions import ConnectionFailed, InvalidInput, ServiceUnavailable, TaskclusterError
from airflow_provider_taskcluster.hooks import lineage, reports
from airflow_provider_taskcluster.hooks.base import TaskclusterBaseHook, as_storage_path, future_expiry, guessed_type
from airflow_provider_taskcluster.services.artifacts import Artifacts
from airflow_provider_taskcluster.transfer.config import TransferConfig
from airflow_provider_taskcluster.transfer.model import ErrorReason, StorageType
from airflow_provider_taskcluster.transfer.source.factory import source_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime, timedelta

    from airflow_provider_taskcluster.services.schemas import Json
    from airflow_provider_taskcluster.transfer.model import TransferResult
    from airflow_provider_taskcluster.transfer.progress import Progress
    from airflow_provider_taskcluster.transfer.source.factory import Uploadable
    from airflow_provider_taskcluster.transfer.upload.recorder import Recorder


class ArtifactUploadsHook(TaskclusterBaseHook):
    """Uploads of artifacts to a run that is running, or was resolved as an exception less than 25 minutes ago.

    Scope ``queue:create-artifact:<taskId>/<runId>``, which the task's own credentials have.
    """

    def upload_artifact(
        self,
        source: Uploadable,
        task_id: str,
        run_id: int,
        name: str,
        *,
        expires: datetime | timedelta,
        content_type: str | None = None,
        storage_type: StorageType = "object",
        recorder: Recorder | str | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> TransferResult:
        """Upload bytes, a file, or the content that a function opens as an artifact.

        A later try with the same content and expiry resumes an s3 artifact in any case. The queue announces an object
        artifact only once, so a later try needs the record of the first, and the scope
        ``object:upload:<projectId>:<object>`` if the bytes are still missing.

        :param source: Bytes, a path, an ``ObjectStoragePath`` or its URL, an open binary file, or a function that
            returns a reader. At most 5 GiB.
        :param expires: When the artifact expires, not after the task does; a timedelta counts from now. A later try
            resumes this one if both pass the same datetime.
        :param content_type: Content type; guessed from the name by default.
        :param storage_type: ``object``, verified by sha256 and sha512, or ``s3``, verified only by length.
        :param recorder: Where to record the upload id that the queue chose: a folder (its path or URL) that all tries
            can reach, or a ``Recorder``.
        :param on_progress: Called every few seconds, in the thread that sends.
        :raises Conflict: The name is taken, by other content or by a try that left no record.
        :raises TooLarge: The content is larger than one PUT allows.
        """
        from airflow_provider_taskcluster.transfer.upload.artifact import ArtifactTarget, ArtifactUploader
        from airflow_provider_taskcluster.transfer.upload.recorder import recorder_for

        if storage_type not in get_args(StorageType):
            raise InvalidInput(f"storage_type is {storage_type!r}: pass 'object' or 's3'")
        target = ArtifactTarget(
            root_url=self.settings.root_url,
            task_id=names.task_id(task_id),
            run_id=explicit_run(run_id),
            name=names.object_artifact_name(name) if storage_type == "object" else names.artifact_name(name),
            expires=future_expiry(expires),
            content_type=names.content_type(content_type or guessed_type(name)),
        )
        config = TransferConfig(network=self.settings.network, on_progress=on_progress)
        upload_recorder = recorder_for(as_storage_path(recorder, folder=True))
        uploader = ArtifactUploader(self._engine_services, self._store, config, upload_recorder)
        result = uploader.upload(source_for(as_storage_path(source)), target, storage_type)
        lineage.report_output(self, artifact_uri(task_id, name, run_id), lineage.asset_extra(result))
        reports.uploaded(source, str(target), self.settings.root_url, result)
        return result

    def create_reference_artifact(
        self,
        task_id: str,
        run_id: int,
        name: str,
        url: str,
        *,
        expires: datetime | timedelta,
        content_type: str | None = None,
    ) -> None:
        """Create an artifact that redirects to a URL. A later call may replace the URL.

        :param expires: When the artifact expires; a timedelta counts from now.
        """
        if not isinstance(url, str) or url.partition("://")[0].lower() not in {"http", "https"}:
            raise InvalidInput(f"The URL of a reference artifact must be http or https, not {url!r}")
        kind = names.content_type(content_type or guessed_type(name))
        self._announce(task_id, run_id, name, expires, storageType="reference", url=url, contentType=kind)

    def create_link_artifact(
        self,
        task_id: str,
        run_id: int,
        name: str,
        artifact: str,
        *,
        expires: datetime | timedelta,
        content_type: str | None = None,
    ) -> None:
        """Create an artifact that is another name for an artifact of the same run.

        :param expires: When the artifact expires; a timedelta counts from now.
        """
        kind = names.content_type(content_type or guessed_type(name))
        target = names.artifact_name(artifact)
        self._announce(task_id, run_id, name, expires, storageType="link", artifact=target, contentType=kind)

    def create_error_artifact(
        self, task_id: str, run_id: int, name: str, message: str, *, expires: datetime | timedelta, reason: ErrorReason
    ) -> None:
        """Create an error artifact in place of one that could not be made; downloads of it fail with the message.

        :param message: At most 4096 characters.
        :param expires: When the artifact expires; a timedelta counts from now.
        """
        if reason not in get_args(ErrorReason):
            raise InvalidInput(f"reason is {reason!r}: pass one of {', '.join(get_args(ErrorReason))}")
        self._announce(task_id, run_id, name, expires, storageType="error", reason=reason, message=message)

    def create_artifact(self, task_id: str, run_id: int, name: str, request: Mapping[str, Any]) -> Json:
        """Call ``createArtifact`` alone; the other methods do all steps of an upload.

        :param request: ``queue/v1/post-artifact-request.json``. An object must not have ``contentLength``: the queue
            would answer every finishArtifact with 500.
        :return: The queue's response (``queue/v1/post-artifact-response.json``); its credentials and URLs are secret.
        """
        if request.get("storageType") == "object":
            names.object_artifact_name(name)
            if "contentLength" in request:
                raise InvalidInput(
                    "An object artifact that is created with contentLength can never be finished, by a fault of the "
                    "queue: leave contentLength out"
                )
        call = Artifacts(self.client).create(
            names.task_id(task_id), explicit_run(run_id), names.artifact_name(name), request
        )
        answer: Json = self._run(call)
        return answer

    def finish_artifact(self, task_id: str, run_id: int, name: str, *, upload_id: str) -> None:
        """Call ``finishArtifact`` alone, once the upload of its object is finished.

        The queue may finish the artifact and answer 500 all the same (if it was created with its length), so an error
        counts only if the artifact is not present.
        """
        where = names.task_id(task_id), explicit_run(run_id), names.artifact_name(name)
        try:
            self._engine_services.finish_artifact(*where, upload_id)
        except (ServiceUnavailable, ConnectionFailed):
            if not self._is_present(*where):
                self._run(Artifacts(self.client).finish(*where, upload_id))

    def _is_present(self, task_id: str, run_id: int, name: str) -> bool:
        try:
            return self._engine_services.artifact_is_present(task_id, run_id, name)
        except TaskclusterError:  # unknown
            return False

    def _announce(self, task_id: str, run_id: int, name: str, expires: datetime | timedelta, **details: str) -> None:
        self.create_artifact(task_id, run_id, name, {"expires": iso_timestamp(future_expiry(expires)), **details})
        storage_type = details["storageType"]
        if storage_type != "error":
            lineage.report_output(
                self, artifact_uri(task_id, name, run_id), {"name": name, "storage_type": storage_type}
            )

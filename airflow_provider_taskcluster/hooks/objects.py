"""The hook's calls to the object service, and uploads of objects."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.assets.uris import object_uri
from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.counts import whole_number
from airflow_provider_taskcluster.common.timestamps import iso_timestamp
from airflow_provider_taskcluster.exceptions import Conflict, InvalidInput
from airflow_provider_taskcluster.hooks import lineage, reports
from airflow_provider_taskcluster.hooks.base import as_storage_path, future_expiry, guessed_type, secret_upload_id
from airflow_provider_taskcluster.hooks.object_downloads import ObjectDownloadsHook
from airflow_provider_taskcluster.services.objects import Objects
from airflow_provider_taskcluster.transfer.config import CONNECTIONS, TransferConfig
from airflow_provider_taskcluster.transfer.parts_manifest import LARGEST_PART
from airflow_provider_taskcluster.transfer.source.factory import source_for
from airflow_provider_taskcluster.transfer.upload.parts import Multipart, check_multipart, needs_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_taskcluster.services.schemas import Json
    from airflow_provider_taskcluster.transfer.model import TransferResult
    from airflow_provider_taskcluster.transfer.progress import Progress
    from airflow_provider_taskcluster.transfer.source.factory import Uploadable
    from airflow_provider_taskcluster.transfer.upload.conflict import IfExists
    from airflow_provider_taskcluster.transfer.upload.identity import Identity
    from airflow_provider_taskcluster.transfer.upload.parts import PartSize
    from airflow_provider_taskcluster.transfer.upload.recorder import Recorder


class ObjectsHook(ObjectDownloadsHook):
    """Uploads and downloads of objects, and each call of the object service."""

    def create_upload(
        self,
        name: str,
        *,
        upload_id: str,
        expires: datetime | timedelta,
        project_id: str | None = None,
        hashes: Mapping[str, str] | None = None,
        proposed_upload_methods: Mapping[str, Any] | None = None,
    ) -> Json:
        """Call ``createUpload`` alone, to begin an upload or to renew its upload URL; ``upload_object`` does all steps.

        :param upload_id: A v4 slugid, secret until the upload is finished.
        :param expires: When the object expires; it cannot be changed later. A timedelta counts from now.
        :param project_id: Project of the object; the connection's by default.
        :param hashes: Digests of the content in hex, by algorithm.
        :param proposed_upload_methods: ``dataInline`` or ``putUrl`` with their details.
        :return: The service's response (``object/v1/create-upload-response.json``).
        """
        request: Json = {
            "projectId": self._project(project_id),
            "uploadId": upload_id,
            "expires": iso_timestamp(future_expiry(expires)),
            "proposedUploadMethods": dict(proposed_upload_methods or {}),
        }
        if hashes:
            request["hashes"] = dict(hashes)
        name, service = names.object_name(name), Objects(self.client)
        answer: Json
        try:
            answer = self._run(service.create_upload(name, request))
        except Conflict:  # one of several identical calls at the same moment may get a false 409
            answer = self._run(service.create_upload(name, request))
        return answer

    def finish_upload(
        self, name: str, *, upload_id: str, project_id: str | None = None, hashes: Mapping[str, str] | None = None
    ) -> None:
        """Call ``finishUpload`` alone."""
        request: Json = {"projectId": self._project(project_id), "uploadId": upload_id}
        if hashes:
            request["hashes"] = dict(hashes)
        self._run(Objects(self.client).finish_upload(names.object_name(name), request))

    def start_download(self, name: str, accept_download_methods: Mapping[str, Any] | None = None) -> Json:
        """Call ``startDownload`` alone.

        :param accept_download_methods: ``getUrl`` by default.
        :return: The service's response (``object/v1/download-object-response.json``); its URL is a secret.
        """
        request = {"acceptDownloadMethods": dict(accept_download_methods or {"getUrl": True})}
        answer: Json = self._run(Objects(self.client).start_download(names.object_name(name), request))
        return answer

    def object_url(self, name: str, *, expires_in: timedelta | None = None) -> str:
        """Return a URL that redirects to the object's bytes, for a browser or curl.

        :param expires_in: Sign the URL, so that it works without credentials for this time, a second at least; it is a
            secret then. By default it is not signed.
        """
        seconds = None if expires_in is None else _seconds(expires_in)
        return Objects(self.client).url(names.object_name(name), signed_for=seconds)

    def upload_object(
        self,
        source: Uploadable,
        name: str,
        *,
        expires: datetime | timedelta,
        project_id: str | None = None,
        content_type: str | None = None,
        if_exists: IfExists = "verify",
        multipart: Multipart = "auto",
        multipart_threshold: int = LARGEST_PART,
        part_size: PartSize | None = None,
        connections: int = CONNECTIONS,
        upload_id: str | None = None,
        recorder: Recorder | str | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> TransferResult:
        """Upload bytes, a file, or the content that a function opens as an object, verified by sha256 and sha512.

        The source is read twice: to hash it, and to send it. A repeated call with the same content, name and expiry
        resumes the upload of the call before, or finds it finished. Scope ``object:upload:<projectId>:<name>``, and
        for an upload in parts ``object:upload:<projectId>:<name>.part-*``.

        An object in parts is a small manifest and the parts; only this provider assembles them by itself. Parts of an
        upload that was given up exist until ``expires``.

        :param source: Bytes, a path, an ``ObjectStoragePath`` or its URL (``s3://conn_id@bucket/key``), an open binary
            file (read from its current position), or a function that returns a reader.
        :param name: Name of the object.
        :param expires: When the object expires; a timedelta counts from now. A later try resumes this upload if both
            pass the same datetime.
        :param project_id: Project of the object; the connection's by default.
        :param content_type: Content type; guessed from the name by default.
        :param if_exists: What to do if a finished object has this name: ``verify`` succeeds if its content is the same,
            ``skip`` always succeeds (and reads the hashes of other content, scope ``object:download:<name>``), and
            ``fail`` fails.
        :param multipart: ``always`` in parts, ``never``, or only if one PUT cannot carry the content (``auto``).
        :param multipart_threshold: Size in bytes above which ``auto`` uploads in parts, 5 GiB by default.
        :param part_size: Bytes of a part, or a function of the total that returns them; 64 MiB or more by default.
        :param connections: Number of parts that are sent at once. For a source that can be read only in order (an open
            file, a function), as many parts are held in memory.
        :param upload_id: An uploadId of your own (a v4 slugid) in place of the derived one.
        :param recorder: Where to record upload ids that cannot be derived: a folder (its path or URL), or a
            ``Recorder``.
        :param on_progress: Called every few seconds, in the thread that sends.
        :raises Conflict: The name is taken by other content, by somebody else's upload, or by an expired object that
            the service has not deleted yet.
        :raises SourceChanged: The source changed while it was uploaded; the upload was not finished.
        :raises TooLarge: The content is larger than one PUT allows, and ``multipart`` is ``never``.
        """
        identity = self._identity(names.object_name(name), project_id, expires, upload_id, recorder)
        result = self._upload(
            source,
            identity,
            content_type,
            if_exists,
            multipart=multipart,
            multipart_threshold=multipart_threshold,
            part_size=part_size,
            connections=connections,
            on_progress=on_progress,
        )
        lineage.report_output(self, object_uri(name), lineage.asset_extra(result))
        reports.uploaded(source, f"object {name!r}", self.settings.root_url, result)
        return result

    def _upload(
        self,
        source: Uploadable,
        identity: Identity,
        content_type: str | None,
        if_exists: IfExists,
        *,
        multipart: Multipart = "auto",
        multipart_threshold: int = LARGEST_PART,
        part_size: PartSize | None = None,
        connections: int = 1,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> TransferResult:
        """Upload without a report; the caller makes it."""
        from airflow_provider_taskcluster.transfer.upload.conflict import checked_if_exists
        from airflow_provider_taskcluster.transfer.upload.measure import measure
        from airflow_provider_taskcluster.transfer.upload.object import Target, Uploader
        from airflow_provider_taskcluster.transfer.upload.resumable import upload_in_parts

        check_multipart(multipart, multipart_threshold)
        connections = whole_number(connections, "connections", least=1)
        kind = names.content_type(content_type or guessed_type(identity.name))
        target = Target(identity, kind, checked_if_exists(if_exists))
        config = TransferConfig(network=self.settings.network, on_progress=on_progress)
        uploader = Uploader(self._engine_services, self._store, config)
        content = source_for(as_storage_path(source), once=multipart == "always")
        length, measured = content.length(), None
        if length is None and multipart != "always":
            measured = measure(content, self._store.check)
            length = measured.size
        if needs_parts(length or 0, multipart, multipart_threshold):
            return upload_in_parts(
                uploader,
                content,
                target,
                part_size=part_size,
                connections=connections,
                whole_sha256=self.multipart_sha256,
                measured=measured,
            )
        return uploader.upload(content, target, measured)

    def _identity(
        self,
        name: str,
        project_id: str | None,
        expires: datetime | timedelta,
        upload_id: str | None,
        recorder: Recorder | str | None,
    ) -> Identity:
        from airflow_provider_taskcluster.transfer.upload.identity import Identity
        from airflow_provider_taskcluster.transfer.upload.recorder import recorder_for

        settings = self.settings
        return Identity(
            root_url=settings.root_url,
            project_id=self._project(project_id),
            name=name,
            expires=future_expiry(expires),
            key=settings.upload_key,
            own_id=None if upload_id is None else secret_upload_id(upload_id),
            recorder=recorder_for(as_storage_path(recorder, folder=True)),
        )


def _seconds(duration: timedelta) -> int:
    if not isinstance(duration, timedelta) or duration < timedelta(seconds=1):
        raise InvalidInput(f"expires_in is {duration!r}: pass a timedelta of a second or more")
    return int(duration.total_seconds())

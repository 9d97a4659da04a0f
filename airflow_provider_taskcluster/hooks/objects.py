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
from airflow_provider_taskcluster.hooks.base import future, guessed_type, place, secret_upload_id
from airflow_provider_taskcluster.hooks.object_downloads import ObjectDownloadsHook
from airflow_provider_taskcluster.services.objects import Objects
from airflow_provider_taskcluster.transfer.config import CONNECTIONS, TransferConfig
from airflow_provider_taskcluster.transfer.parts_manifest import LARGEST_PART
from airflow_provider_taskcluster.transfer.source.factory import source_for
from airflow_provider_taskcluster.transfer.upload.choice import Multipart, check, in_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_taskcluster.services.schemas import Json
    from airflow_provider_taskcluster.transfer.model import TransferResult
    from airflow_provider_taskcluster.transfer.progress import Progress
    from airflow_provider_taskcluster.transfer.source.factory import Uploadable
    from airflow_provider_taskcluster.transfer.upload.conflict import IfExists
    from airflow_provider_taskcluster.transfer.upload.parts import PartSize
    from airflow_provider_taskcluster.transfer.upload.recorder import Recorder
    from airflow_provider_taskcluster.transfer.upload.upload_id import Identity


class ObjectsHook(ObjectDownloadsHook):
    """Objects: every call of the service, uploads and downloads."""

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
        """Begin an upload by hand, or ask for its grant again; ``upload_object`` does all of it.

        :param upload_id: A v4 slugid, secret until the upload is finished.
        :param expires: When the object ends; cannot be changed later. A timedelta counts from now.
        :param project_id: Its project; the connection's by default.
        :param hashes: Digests of the content in hex, by algorithm.
        :param proposed_upload_methods: ``dataInline`` or ``putUrl`` with their details.
        :return: The service's answer (``object/v1/create-upload-response.json``).
        """
        request: Json = {
            "projectId": self._project(project_id),
            "uploadId": upload_id,
            "expires": iso_timestamp(future(expires)),
            "proposedUploadMethods": dict(proposed_upload_methods or {}),
        }
        if hashes:
            request["hashes"] = dict(hashes)
        name, service = names.object_name(name), Objects(self.client)
        answer: Json
        try:
            answer = self._run(service.create_upload(name, request))
        except Conflict:  # of identical first calls at one moment, one may meet a conflict that is none
            answer = self._run(service.create_upload(name, request))
        return answer

    def finish_upload(
        self, name: str, *, upload_id: str, project_id: str | None = None, hashes: Mapping[str, str] | None = None
    ) -> None:
        """Declare an upload complete by hand."""
        request: Json = {"projectId": self._project(project_id), "uploadId": upload_id}
        if hashes:
            request["hashes"] = dict(hashes)
        self._run(Objects(self.client).finish_upload(names.object_name(name), request))

    def start_download(self, name: str, accept_download_methods: Mapping[str, Any] | None = None) -> Json:
        """Negotiate a download by hand.

        :param accept_download_methods: ``getUrl`` by default.
        :return: The service's answer (``object/v1/download-object-response.json``); its URL is a secret.
        """
        request = {"acceptDownloadMethods": dict(accept_download_methods or {"getUrl": True})}
        answer: Json = self._run(Objects(self.client).start_download(names.object_name(name), request))
        return answer

    def object_url(self, name: str, *, expires_in: timedelta | None = None) -> str:
        """URL that redirects to the object's bytes, for a browser or curl.

        :param expires_in: Sign it for so long, a second at least, so that it works without credentials (then it is a
            secret). Without, the URL is plain.
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
        """Upload bytes, a file or the readers of a factory as an object, verified by sha256 and sha512.

        The source is read twice: to hash it, and to send it. A repeated call with the same content, name and expiry
        takes up the upload of the call before, or finds it finished. Scope ``object:upload:<projectId>:<name>``, and
        for an upload in parts ``object:upload:<projectId>:<name>.part-*``.

        An object in parts is a small manifest and the parts, which only this provider puts together by itself; parts
        that were left behind live until ``expires``.

        :param source: Bytes, a path, an ``ObjectStoragePath`` or its URL (``s3://conn_id@bucket/key``), an open binary
            file (from where it stands), or a function that returns a reader.
        :param name: Name of the object.
        :param expires: When it ends; a timedelta counts from now. A later try takes up the upload of this one if both
            pass the same datetime.
        :param project_id: Its project; the connection's by default.
        :param content_type: Its content type; guessed from the name by default.
        :param if_exists: What a finished object of this name means: success if its content is the same (``verify``),
            always success (``skip``; to know what is there takes the scope ``object:download:<name>``), or ``fail``.
        :param multipart: ``always`` in parts, ``never``, or where one PUT cannot carry it (``auto``).
        :param multipart_threshold: ``auto`` takes parts above so many bytes, 5 GiB by default.
        :param part_size: Bytes of a part, or a function of the total that returns them; 64 MiB or more by default.
        :param connections: How many parts are sent at once. A source with one place to read at (an open file, a
            factory) has so many parts in memory.
        :param upload_id: An uploadId of your own (a v4 slugid) in place of the one that is derived.
        :param recorder: Keeps the upload ids where they cannot be derived: a folder (or its path or URL), see
            ``transfer.recorder``.
        :param on_progress: Called every few seconds, in the thread that sends.
        :raises Conflict: The name is taken: by other content, by somebody else's upload, or by an object past its
            expiry that is not swept yet.
        :raises SourceChanged: The source changed while it was uploaded; the upload was not finished.
        :raises TooLarge: One PUT cannot carry it, and ``multipart`` is ``never``.
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
        lineage.made(self, object_uri(name), lineage.facts(result))
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
        """Upload, and leave it to the caller to tell of it."""
        from airflow_provider_taskcluster.transfer.upload.conflict import checked_if_exists
        from airflow_provider_taskcluster.transfer.upload.measure import measure
        from airflow_provider_taskcluster.transfer.upload.multipart import MultipartUploader
        from airflow_provider_taskcluster.transfer.upload.object import Target, Uploader
        from airflow_provider_taskcluster.transfer.upload.resumable import upload_in_parts

        check(multipart, multipart_threshold)
        connections = whole_number(connections, "connections", least=1)
        kind = names.content_type(content_type or guessed_type(identity.name))
        target = Target(identity.name, identity, kind, checked_if_exists(if_exists))
        config = TransferConfig(network=self.settings.network, on_progress=on_progress)
        uploader = Uploader(self._engine_services, self._store, config)
        what = source_for(place(source), once=multipart == "always")
        length, measured = what.length(), None
        if length is None and multipart != "always":
            measured = measure(what, self._store.check)
            length = measured.size
        if in_parts(length or 0, multipart, multipart_threshold):
            parts = MultipartUploader(uploader)
            return upload_in_parts(
                parts,
                what,
                target,
                part_size=part_size,
                connections=connections,
                whole_sha256=self.multipart_sha256,
                measured=measured,
            )
        return uploader.upload(what, target, measured)

    def _identity(
        self,
        name: str,
        project_id: str | None,
        expires: datetime | timedelta,
        upload_id: str | None,
        recorder: Recorder | str | None,
    ) -> Identity:
        from airflow_provider_taskcluster.transfer.upload.recorder import recorder_for
        from airflow_provider_taskcluster.transfer.upload.upload_id import Identity

        found = self.settings
        return Identity(
            root_url=found.root_url,
            project_id=self._project(project_id),
            name=name,
            expires=future(expires),
            key=found.upload_key,
            own_id=None if upload_id is None else secret_upload_id(upload_id),
            recorder=recorder_for(place(recorder, folder=True)),
        )


def _seconds(life: timedelta) -> int:
    if not isinstance(life, timedelta) or life < timedelta(seconds=1):
        raise InvalidInput(f"expires_in is {life!r}: pass a timedelta of a second or more")
    return int(life.total_seconds())

"""The hook's calls to the object service, and uploads and downloads of objects."""

from __future__ import annotations

import logging
import mimetypes
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster import names
from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.hooks.base import TaskclusterBaseHook, byte_limit
from airflow_provider_taskcluster.moments import moment
from airflow_provider_taskcluster.services.answers import timestamp
from airflow_provider_taskcluster.services.objects import Objects
from airflow_provider_taskcluster.transfer.config import CONNECTIONS, MEMORY_CAP, TransferConfig
from airflow_provider_taskcluster.transfer.sink import MemorySink, sink_for
from airflow_provider_taskcluster.transfer.source import source_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_taskcluster.services.answers import Json, ObjectMetadata
    from airflow_provider_taskcluster.transfer.model import TransferResult
    from airflow_provider_taskcluster.transfer.progress import Progress
    from airflow_provider_taskcluster.transfer.sink import Destination
    from airflow_provider_taskcluster.transfer.source import Uploadable

log = logging.getLogger(__name__)


class ObjectsHook(TaskclusterBaseHook):
    """Objects: every call of the service, ``upload_object`` and ``download_object``."""

    def create_upload(
        self,
        name: str,
        *,
        upload_id: str,
        expires: datetime,
        project_id: str | None = None,
        hashes: Mapping[str, str] | None = None,
        proposed_upload_methods: Mapping[str, Any] | None = None,
    ) -> Json:
        """Begin an upload by hand, or ask for its grant again; ``upload_object`` does all of it.

        :param upload_id: A v4 slugid, secret until the upload is finished.
        :param expires: When the object ends; cannot be changed later.
        :param project_id: Its project; the connection's by default.
        :param hashes: Digests of the content in hex, by algorithm.
        :param proposed_upload_methods: ``dataInline`` or ``putUrl`` with their details.
        :return: The service's answer (``object/v1/create-upload-response.json``).
        """
        request: Json = {
            "projectId": names.project_id(project_id or self.settings.project_id),
            "uploadId": upload_id,
            "expires": timestamp(_future(expires)),
            "proposedUploadMethods": dict(proposed_upload_methods or {}),
        }
        if hashes:
            request["hashes"] = dict(hashes)
        answer: Json = self._run(Objects(self.client).create_upload(names.object_name(name), request))
        return answer

    def finish_upload(
        self, name: str, *, upload_id: str, project_id: str | None = None, hashes: Mapping[str, str] | None = None
    ) -> None:
        """Declare an upload complete by hand."""
        request: Json = {"projectId": names.project_id(project_id or self.settings.project_id), "uploadId": upload_id}
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

    def object_metadata(self, name: str) -> ObjectMetadata:
        """Project, expiry and hashes of a finished object.

        :raises NotFound: There is no such object, or its upload is not finished.
        """
        answer: ObjectMetadata = self._run(Objects(self.client).metadata(names.object_name(name)))
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
        expires: datetime,
        project_id: str | None = None,
        content_type: str | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> TransferResult:
        """Upload bytes, a file or the readers of a factory as an object, verified by sha256 and sha512.

        The source is read twice: to hash it, and to send it. A repeated call with the same content, name and expiry
        takes up the upload of the call before, or finds it finished. Scope ``object:upload:<projectId>:<name>``.

        :param source: Bytes, a path, an open binary file (from where it stands), or a function that returns a reader.
        :param name: Name of the object.
        :param expires: When it ends. Pass the same in every try.
        :param project_id: Its project; the connection's by default.
        :param content_type: Its content type; guessed from the name by default.
        :param on_progress: Called every few seconds, in the thread that sends.
        :raises Conflict: The name is taken by other content or by somebody else's upload.
        """
        from airflow_provider_taskcluster.transfer.upload import Target, Uploader

        project = names.project_id(project_id or self.settings.project_id)
        expires = _future(expires)
        target = Target(
            name=names.object_name(name),
            project_id=project,
            expires=expires,
            content_type=names.content_type(content_type or _guessed_type(name)),
            upload_id=lambda sha256: self._upload_id(project, name, expires, sha256),
        )
        config = TransferConfig(network=self.settings.network, on_progress=on_progress)
        return Uploader(self._engine_services, self._store, config).upload(source_for(source), target)

    def download_object(
        self,
        name: str,
        destination: Destination,
        *,
        connections: int = CONNECTIONS,
        max_bytes: int | None = None,
        require_hashes: bool = True,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> TransferResult:
        """Download an object, verified by all hashes that the service names. Scope ``object:download:<name>``.

        :param name: Name of the object.
        :param destination: A path (written beside itself and renamed when verified), an open binary file, a function
            that returns a writer, or ``MemorySink()``.
        :param connections: How many may be used at once for a large object that goes to a path.
        :param max_bytes: Refuse more than this.
        :param require_hashes: Refuse an object for which the service names no sha256 or sha512.
        :param on_progress: Called every few seconds, in a thread that moves bytes.
        :raises NotFound: There is no such object, or its upload is not finished.
        """
        from airflow_provider_taskcluster.transfer.download import Downloader

        config = TransferConfig(
            network=self.settings.network,
            connections=connections,
            max_bytes=byte_limit(max_bytes),
            require_hashes=require_hashes,
            on_progress=on_progress,
        )
        name, sink = names.object_name(name), sink_for(destination)
        return Downloader(self._engine_services, self._store, config).download(name, sink)

    def read_object(self, name: str, *, max_bytes: int | None = MEMORY_CAP, require_hashes: bool = True) -> bytes:
        """Return the bytes of an object.

        :param max_bytes: Refuse more than this (64 MiB by default); None for no limit.
        """
        sink = MemorySink(byte_limit(max_bytes))
        self.download_object(name, sink, require_hashes=require_hashes)
        return sink.content()

    def _upload_id(self, project_id: str, name: str, expires: datetime, sha256: str) -> str:
        from airflow_provider_taskcluster.transfer import identity

        found = self.settings
        key = found.upload_secret
        if not key and found.credentials and not found.credentials.certificate:
            key = found.credentials.access_token
        if not key:
            log.warning(
                "Without an upload_secret or permanent credentials the upload id of %r is random: if this try dies, "
                "the next one meets a conflict for up to a day",
                name,
            )
            return identity.random_upload_id()
        return identity.upload_id(
            key, root_url=found.root_url, project_id=project_id, name=name, expires=expires, sha256=sha256
        )


def _future(expires: datetime) -> datetime:
    """Return the expiry in UTC and whole milliseconds, as the service keeps it."""
    expires = moment(expires, "expires")
    if expires <= datetime.now(UTC):
        raise InvalidInput(f"expires is {timestamp(expires)}, which is past: the object would be gone at once")
    return expires


def _seconds(life: timedelta) -> int:
    if not isinstance(life, timedelta) or life < timedelta(seconds=1):
        raise InvalidInput(f"expires_in is {life!r}: pass a timedelta of a second or more")
    return int(life.total_seconds())


def _guessed_type(name: str) -> str:
    guessed, encoding = mimetypes.guess_type(name)
    if encoding:  # .tar.gz holds a tar, but what is stored is gzip
        return {"gzip": "application/gzip"}.get(encoding, "application/octet-stream")
    return guessed or "application/octet-stream"

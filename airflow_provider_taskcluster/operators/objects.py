"""Operators that upload and download objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import mask_secret

from airflow_provider_taskcluster.assets.taskcluster import emit
from airflow_provider_taskcluster.assets.uris import object_uri
from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.arguments import check_expiry, expiry, flag, optional_text, path_or_url, text
from airflow_provider_taskcluster.common.checks import at_least, count, one_of
from airflow_provider_taskcluster.common.counts import number_of_bytes
from airflow_provider_taskcluster.common.task_failure import permanent_errors_fail
from airflow_provider_taskcluster.hooks.lineage import asset_extra
from airflow_provider_taskcluster.links.taskcluster import TaskclusterObjectLink
from airflow_provider_taskcluster.operators.base import (
    ExtractingOperator,
    TaskclusterBaseOperator,
    check_extraction,
    check_source,
    content_to_upload,
    recorder_for_task,
    with_extracted,
)
from airflow_provider_taskcluster.transfer.config import CONNECTIONS
from airflow_provider_taskcluster.transfer.parts_manifest import LARGEST_PART
from airflow_provider_taskcluster.transfer.upload.conflict import IfExists
from airflow_provider_taskcluster.transfer.upload.parts import Multipart, size_or_function

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath

    from airflow_provider_taskcluster.transfer.model import Transferred
    from airflow_provider_taskcluster.transfer.upload.parts import PartSize


class TaskclusterUploadObjectOperator(TaskclusterBaseOperator):
    """Upload a file, or text, as an object.

    A retry resumes the upload of the try before, since the same content, name and expiry have the same upload id. The
    events of assets in ``outlets`` get its size, content type and digests; an ``AssetAlias`` there gets the object's
    own asset (see ``assets.taskcluster``). Scope ``object:upload:<projectId>:<name>``.

    :param name: Name of the object (templated).
    :param source: File to upload (templated): a path, or the URL of an ``ObjectStoragePath`` such as
        ``s3://conn_id@bucket/key``. Pass this or ``data``.
    :param data: Text or bytes to upload (templated); text is encoded as UTF-8. A dict, list, number or bool, such as
        ``render_template_as_native_obj`` makes of text, is uploaded as JSON.
    :param expires: When the object expires (templated): a datetime with a time zone, its ISO text, or a timedelta
        counted from the start of the DAG run.
    :param project_id: Project of the object (templated); the connection's by default.
    :param content_type: Content type (templated); guessed from the name by default.
    :param if_exists: What to do if a finished object has this name: ``verify`` succeeds if its content is the same,
        ``skip`` always succeeds, ``fail`` fails.
    :param multipart: ``always`` in parts, ``never``, or only if one PUT cannot carry the file (``auto``). Other clients
        that download an object in parts get its manifest, a small JSON file, and have to assemble the parts themselves.
        Scope for the parts: ``object:upload:<projectId>:<name>.part-*``.
    :param multipart_threshold: Size in bytes above which ``auto`` uploads in parts, 5 GiB by default.
    :param part_size: Bytes of a part, or a function of the total that returns them; 64 MiB or more by default.
    :param connections: Number of parts that are sent at once.
    :param upload_id: An uploadId of your own (templated), a v4 slugid, in place of the derived one. It is masked in
        logs and rendered fields: anyone with it can take the upload over until it is finished.
    :param recorder: Folder, or URL of an ``ObjectStoragePath``, that all tries can reach (templated), for upload ids
        that cannot be derived (temporary credentials, a proxy, no ``upload_secret``); by default Airflow's task state
        store, if it has one (3.3).
    :return: name, size, content_type, digests, method, verified, attempts, seconds and already_present.
    """

    template_fields: Sequence[str] = (
        "name",
        "source",
        "data",
        "expires",
        "project_id",
        "content_type",
        "upload_id",
        "recorder",
        "taskcluster_conn_id",
    )
    ui_color = "#dcebf7"
    operator_extra_links = (TaskclusterObjectLink(),)
    checks: ClassVar = {
        "expires": check_expiry,
        "if_exists": one_of(IfExists),
        "multipart": one_of(Multipart),
        "multipart_threshold": number_of_bytes,
        "part_size": size_or_function,
        "connections": at_least(1),
    }
    depends = ("source", "data")

    def __init__(
        self,
        *,
        name: str,
        expires: datetime | timedelta | str,
        source: str | ObjectStoragePath | None = None,
        data: str | bytes | dict[str, Any] | list[Any] | float | None = None,
        project_id: str | None = None,
        content_type: str | None = None,
        if_exists: IfExists = "verify",
        multipart: Multipart = "auto",
        multipart_threshold: int = LARGEST_PART,
        part_size: PartSize | None = None,
        connections: int = CONNECTIONS,
        upload_id: str | None = None,
        recorder: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.expires = expires
        self.source = source
        self.data = data
        self.project_id = project_id
        self.content_type = content_type
        self.if_exists = if_exists
        self.multipart = multipart
        self.multipart_threshold = multipart_threshold
        self.part_size = part_size
        self.connections = connections
        self.upload_id = upload_id
        self.recorder = recorder
        self.check_arguments()

    @classmethod
    def check_together(cls, task_id: str, **given: Any) -> None:
        """See the base class."""
        check_source(given["source"], given["data"], task_id)

    @property
    def upload_id(self) -> str | None:
        """The caller's uploadId, masked in logs once it is set; a template is set when it is rendered."""
        return self._upload_id

    @upload_id.setter
    def upload_id(self, value: str | None) -> None:
        if isinstance(value, str) and names.SLUGID.fullmatch(value):
            mask_secret(value)
        self._upload_id = value

    def execute(self, context: Context) -> Transferred:
        """Upload, and return the result."""
        with permanent_errors_fail(f"Upload of object {self.name!r}", self.taskcluster_conn_id):
            self.check_rendered()
            result = self.hook.upload_object(
                content_to_upload(self.source, self.data),
                text(self.name, "name"),
                expires=expiry(self.expires, context),
                project_id=optional_text(self.project_id, "project_id"),
                content_type=optional_text(self.content_type, "content_type"),
                if_exists=self.if_exists,
                multipart=self.multipart,
                multipart_threshold=self.multipart_threshold,
                part_size=self.part_size,
                connections=self.connections,
                upload_id=None if self.upload_id is None else text(self.upload_id, "upload_id"),
                recorder=recorder_for_task(self.recorder, context),
            )
        emit(self.outlets, context, object_uri(result.name), asset_extra(result))
        return result.as_dict()


class TaskclusterDownloadObjectOperator(ExtractingOperator):
    """Download an object to a file, verified by all hashes that the service has.

    The file appears under its name only once it is complete and verified. Scope ``object:download:<name>``.

    :param name: Name of the object (templated).
    :param destination: File to write (templated): a path, or the URL of an ``ObjectStoragePath`` such as
        ``s3://conn_id@bucket/key``; missing folders are created.
    :param extract_to: Local folder to extract the downloaded .zip or .tar.* file into (templated).
    :param connections: Number of parallel connections for a large object.
    :param max_bytes: Refuse an object that is larger (default: no limit).
    :param require_hashes: Refuse an object for which the service has no sha256 or sha512.
    :param multipart_aware: Assemble an object that was uploaded in parts (scope ``object:download:<name>.part-*``); if
        False, download its manifest.
    :return: name, size, content_type, digests, method, verified, attempts, seconds and destination; with
        ``extract_to`` also extracted: folder, files and size.
    """

    template_fields: Sequence[str] = ("name", "destination", "extract_to", "taskcluster_conn_id")
    ui_color = "#dcf7e3"
    operator_extra_links = (TaskclusterObjectLink(),)
    checks: ClassVar = {
        "connections": at_least(1),
        "max_bytes": count,
        "require_hashes": flag,
        "multipart_aware": flag,
    }

    def __init__(
        self,
        *,
        name: str,
        destination: str | ObjectStoragePath,
        extract_to: str | None = None,
        connections: int = CONNECTIONS,
        max_bytes: int | None = None,
        require_hashes: bool = True,
        multipart_aware: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.destination = destination
        self.extract_to = extract_to
        self.connections = connections
        self.max_bytes = max_bytes
        self.require_hashes = require_hashes
        self.multipart_aware = multipart_aware
        self.check_arguments()

    def execute(self, context: Context) -> Transferred:  # noqa: ARG002 (Airflow's signature)
        """Download, and return the result."""
        with permanent_errors_fail(f"Download of object {self.name!r}", self.taskcluster_conn_id):
            self.check_rendered()
            folder = check_extraction(self.destination, self.extract_to, self.name)
            result = self.hook.download_object(
                text(self.name, "name"),
                path_or_url(self.destination, "destination"),
                connections=self.connections,
                max_bytes=self.max_bytes,
                require_hashes=self.require_hashes,
                multipart_aware=self.multipart_aware,
            )
            return with_extracted(result.as_dict(), folder, self.hook)

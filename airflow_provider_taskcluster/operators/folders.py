"""Operator that uploads a folder as objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_taskcluster.assets.taskcluster import emit
from airflow_provider_taskcluster.assets.uris import folder_uri
from airflow_provider_taskcluster.common.arguments import check_expiry, expiry, optional_text, path_or_url, text
from airflow_provider_taskcluster.common.checks import at_least, one_of
from airflow_provider_taskcluster.common.names import folder_prefix
from airflow_provider_taskcluster.common.task_failure import permanent_errors_fail
from airflow_provider_taskcluster.hooks.lineage import folder_extra
from airflow_provider_taskcluster.operators.base import TaskclusterBaseOperator, recorder_for_task
from airflow_provider_taskcluster.transfer.config import CONNECTIONS
from airflow_provider_taskcluster.transfer.upload.conflict import IfExists

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath

    from airflow_provider_taskcluster.transfer.model import UploadedFolder

# Limit of the list in XCom.
MOST_NAMES = 100


class TaskclusterUploadFolderOperator(TaskclusterBaseOperator):
    """Upload all files below a folder as objects under a prefix, several at once.

    A retry sends only the files that the service does not have. The events of assets in ``outlets`` get the prefix, the
    number of files and their total size; an ``AssetAlias`` there gets one asset for all objects under the prefix.
    Scope ``object:upload:<projectId>:<prefix>*``.

    :param folder: Path of the folder, or the URL of an ``ObjectStoragePath`` such as ``s3://conn_id@bucket/folder``
        (templated).
    :param prefix: Prefix of the objects' names (templated), such as ``my-team/site``; a ``/`` is added at its end if
        missing.
    :param expires: When the objects expire (templated): a datetime with a time zone, its ISO text, or a timedelta
        counted from the start of the DAG run.
    :param project_id: Project of the objects (templated); the connection's by default.
    :param if_exists: What to do if a finished object has one of the names: ``verify`` succeeds if its content is the
        same, ``skip`` always succeeds, ``fail`` fails.
    :param connections: Number of files that are sent at once.
    :param recorder: Folder, or URL of an ``ObjectStoragePath``, that all tries can reach (templated), for upload ids
        that cannot be derived; by default Airflow's task state store, if it has one (3.3).
    :return: prefix, files (their number), size, already_present (their number), and names, the first 100 of them.
    """

    template_fields: Sequence[str] = ("folder", "prefix", "expires", "project_id", "recorder", "taskcluster_conn_id")
    ui_color = "#dcebf7"
    checks: ClassVar = {"expires": check_expiry, "if_exists": one_of(IfExists), "connections": at_least(1)}

    def __init__(
        self,
        *,
        folder: str | ObjectStoragePath,
        prefix: str,
        expires: datetime | timedelta | str,
        project_id: str | None = None,
        if_exists: IfExists = "verify",
        connections: int = CONNECTIONS,
        recorder: str | ObjectStoragePath | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.folder = folder
        self.prefix = prefix
        self.expires = expires
        self.project_id = project_id
        self.if_exists = if_exists
        self.connections = connections
        self.recorder = recorder
        self.check_arguments()

    def execute(self, context: Context) -> UploadedFolder:
        """Upload, and return a summary."""
        with permanent_errors_fail(f"Upload of folder {str(self.folder)!r}", self.taskcluster_conn_id):
            self.check_rendered()
            prefix = folder_prefix(text(self.prefix, "prefix"))
            results = self.hook.upload_folder(
                path_or_url(self.folder, "folder"),
                prefix,
                expires=expiry(self.expires, context),
                project_id=optional_text(self.project_id, "project_id"),
                if_exists=self.if_exists,
                connections=self.connections,
                recorder=recorder_for_task(self.recorder, context),
            )
        extra = folder_extra(prefix, results)
        emit(self.outlets, context, folder_uri(prefix), extra)
        return {
            "prefix": prefix,
            "files": len(results),
            "size": extra["size"],
            "already_present": sum(result.already_present for result in results),
            "names": [result.name for result in results[:MOST_NAMES]],
        }

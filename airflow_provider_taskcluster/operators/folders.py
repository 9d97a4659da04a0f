"""The operator that uploads a folder as objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_taskcluster.assets.taskcluster import emit
from airflow_provider_taskcluster.assets.uris import folder_uri
from airflow_provider_taskcluster.common.arguments import check_expiry, expiry, optional_text, path_or_url, text
from airflow_provider_taskcluster.common.checks import at_least, one_of
from airflow_provider_taskcluster.common.names import folder_prefix
from airflow_provider_taskcluster.common.task_failure import permanent_errors_fail
from airflow_provider_taskcluster.hooks.lineage import facts_of_folder
from airflow_provider_taskcluster.operators.base import TaskclusterBaseOperator, recorder_of
from airflow_provider_taskcluster.transfer.config import CONNECTIONS
from airflow_provider_taskcluster.transfer.upload.conflict import IfExists

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath

    from airflow_provider_taskcluster.transfer.model import UploadedFolder

# XCom is no place for long lists.
MOST_NAMES = 100


class TaskclusterUploadFolderOperator(TaskclusterBaseOperator):
    """Upload all files below a folder as objects under a prefix, several at once.

    A retry of the task sends only what the service does not have. The events of assets in ``outlets`` get the prefix,
    the number of files and their size; an ``AssetAlias`` there gets one asset for all under the prefix.
    Scope ``object:upload:<projectId>:<prefix>*``.

    :param folder: Path of the folder, or the URL of an ``ObjectStoragePath`` such as ``s3://conn_id@bucket/folder``
        (templated).
    :param prefix: Folder of names that the files get (templated), such as ``my-team/site``; the ``/`` at its end may be
        left out. Names that begin otherwise are those of uploads of single files.
    :param expires: When the objects end (templated): a datetime with a time zone, its ISO text, or a timedelta
        counted from the start of the DAG run.
    :param project_id: Project of the objects (templated); the connection's by default.
    :param if_exists: What a finished object of one of these names means: success if its content is the same
        (``verify``), always success (``skip``), or ``fail``.
    :param connections: How many files are sent at once.
    :param recorder: Folder, or URL of an ``ObjectStoragePath``, that all tries reach (templated). Keeps upload ids
        where they cannot be derived; by default Airflow's task state store does, where it has one (3.3).
    :param taskcluster_conn_id: Id of the connection (templated).
    :param connect_timeout: Seconds to wait for a connection; None takes the connection's.
    :param read_timeout: Seconds of silence that end a request; None takes the connection's.
    :param max_retries: Most repeats of a request that failed for the moment; None takes the connection's.
    :return: prefix, files, size, already_present (how many were), and names, the first 100 of them.
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
        """Upload, and return what was moved."""
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
                recorder=recorder_of(self.recorder, context),
            )
        made = facts_of_folder(prefix, results)
        emit(self.outlets, context, folder_uri(prefix), made)
        return {
            "prefix": prefix,
            "files": len(results),
            "size": made["size"],
            "already_present": sum(result.already_present for result in results),
            "names": [result.name for result in results[:MOST_NAMES]],
        }

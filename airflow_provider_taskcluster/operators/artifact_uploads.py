"""Operator that uploads artifacts to a running Taskcluster task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_taskcluster.assets.taskcluster import emit
from airflow_provider_taskcluster.assets.uris import artifact_uri
from airflow_provider_taskcluster.common.arguments import (
    check_expiry,
    expiry,
    explicit_run,
    is_omitted,
    optional_text,
    text,
)
from airflow_provider_taskcluster.common.checks import one_of
from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.common.task_failure import permanent_errors_fail
from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.hooks.lineage import asset_extra
from airflow_provider_taskcluster.links.taskcluster import TaskclusterArtifactLink, TaskclusterTaskLink
from airflow_provider_taskcluster.operators.base import TaskclusterBaseOperator, content_to_upload, recorder_for_task
from airflow_provider_taskcluster.transfer.model import ErrorReason, StorageType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath

    from airflow_provider_taskcluster.transfer.model import Published, StandIn


class TaskclusterUploadArtifactOperator(TaskclusterBaseOperator):
    """Create an artifact of a run that is running, or was resolved as an exception less than 25 minutes ago.

    Pass its content as ``source`` or ``data``; or a ``url``, ``link_to`` or ``error`` instead of content. Scope
    ``queue:create-artifact:<taskId>/<runId>``, which the credentials of the Taskcluster task have.

    The queue announces an object artifact only once, so an Airflow retry needs the upload id of the try before, from
    Airflow's task state store (3.3) or ``recorder``, and, if the bytes are not stored yet, the scope
    ``object:upload:<projectId>:<object>``. If a retry cannot have these, use ``storage_type="s3"``.

    :param taskcluster_task_id: Id of the Taskcluster task (templated); ``task_id`` is Airflow's.
    :param run_id: Number of the run (templated).
    :param name: Name of the artifact, such as ``public/report.html`` (templated).
    :param expires: When it expires (templated), not after the Taskcluster task does: a datetime with a time zone, its
        ISO text, or a timedelta counted from the start of the DAG run.
    :param source: File to upload (templated): a path, or the URL of an ``ObjectStoragePath`` such as
        ``s3://conn_id@bucket/key``.
    :param data: Text or bytes to upload (templated); any other value is uploaded as JSON.
    :param url: URL of a ``reference`` artifact (templated).
    :param link_to: Name of the run's artifact that a ``link`` artifact leads to (templated).
    :param error: Message of an ``error`` artifact (templated).
    :param error_reason: Taskcluster's reason of the error, such as ``file-missing-on-worker``.
    :param content_type: Content type (templated); guessed from the name by default.
    :param storage_type: ``object``, verified by sha256 and sha512, or ``s3``, verified only by length.
    :param recorder: Folder, or URL of an ``ObjectStoragePath``, that all tries can reach (templated), for upload
        ids; by default Airflow's task state store, if it has one.
    :return: name and storage_type; for an upload also size, content_type, digests, method, verified, attempts, seconds
        and already_present.
    """

    template_fields: Sequence[str] = (
        "taskcluster_task_id",
        "run_id",
        "name",
        "expires",
        "source",
        "data",
        "url",
        "link_to",
        "error",
        "content_type",
        "recorder",
        "taskcluster_conn_id",
    )
    ui_color = "#dcebf7"
    operator_extra_links = (TaskclusterArtifactLink(), TaskclusterTaskLink())
    checks: ClassVar = {
        "run_id": explicit_run,
        "expires": check_expiry,
        "error_reason": one_of(ErrorReason),
        "storage_type": one_of(StorageType),
    }
    depends = ("source", "url", "link_to", "error", "data")

    def __init__(
        self,
        *,
        taskcluster_task_id: str,
        run_id: int | str,
        name: str,
        expires: datetime | timedelta | str,
        source: str | ObjectStoragePath | None = None,
        data: str | bytes | dict[str, Any] | list[Any] | float | None = None,
        url: str | None = None,
        link_to: str | None = None,
        error: str | None = None,
        error_reason: ErrorReason = "file-missing-on-worker",
        content_type: str | None = None,
        storage_type: StorageType = "object",
        recorder: str | ObjectStoragePath | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.taskcluster_task_id = taskcluster_task_id
        self.run_id = run_id
        self.name = name
        self.expires = expires
        self.source = source
        self.data = data
        self.url = url
        self.link_to = link_to
        self.error = error
        self.error_reason = error_reason
        self.content_type = content_type
        self.storage_type = storage_type
        self.recorder = recorder
        self.check_arguments()

    @classmethod
    def check_together(cls, task_id: str, **given: Any) -> None:  # noqa: ARG003 (of the base class)
        """See the base class."""
        kinds = _given_kinds(given)
        if len(kinds) != 1:
            listed = " and ".join(kinds) or "nothing"
            raise InvalidInput(f"An artifact is one of source, data, url, link_to and error; there is {listed}")

    def execute(self, context: Context) -> Published | StandIn:
        """Create the artifact, and return its description."""
        doing = f"Upload of artifact {self.name!r} of task {self.taskcluster_task_id}"
        with permanent_errors_fail(doing, self.taskcluster_conn_id):
            self.check_rendered()
            [kind] = _given_kinds({name: getattr(self, name) for name in self.depends})
            run_id = explicit_run(self.run_id)
            where = (text(self.taskcluster_task_id, "taskcluster_task_id"), run_id, text(self.name, "name"))
            is_upload = kind in {"source", "data"}
            published = self._upload(where, context) if is_upload else self._stand_in(kind, where, context)
        if not is_upload:  # the hook logs uploads
            self.log.info("Published artifact %r as %s", where[2], visible(published["storage_type"]))
        return published

    def _upload(self, where: tuple[str, int, str], context: Context) -> Published:
        result = self.hook.upload_artifact(
            content_to_upload(self.source, self.data),
            *where,
            expires=expiry(self.expires, context),
            content_type=optional_text(self.content_type, "content_type"),
            storage_type=self.storage_type,
            recorder=recorder_for_task(self.recorder, context),
        )
        uri = artifact_uri(where[0], where[2], where[1])
        emit(self.outlets, context, uri, {**asset_extra(result), "storage_type": self.storage_type})
        return {**result.as_dict(), "storage_type": self.storage_type}

    def _stand_in(self, kind: str, where: tuple[str, int, str], context: Context) -> StandIn:
        expires = expiry(self.expires, context)
        value = text(getattr(self, kind), kind)
        content_type = optional_text(self.content_type, "content_type")
        match kind:
            case "url":
                storage_type = "reference"
                self.hook.create_reference_artifact(*where, value, expires=expires, content_type=content_type)
            case "link_to":
                storage_type = "link"
                self.hook.create_link_artifact(*where, value, expires=expires, content_type=content_type)
            case _:
                storage_type = "error"
                self.hook.create_error_artifact(*where, value, expires=expires, reason=self.error_reason)
        uri = None if kind == "error" else artifact_uri(where[0], where[2], where[1])
        published: StandIn = {"name": where[2], "storage_type": storage_type}
        emit(self.outlets, context, uri, {**published})
        return published


def _given_kinds(given: Mapping[str, Any]) -> list[str]:
    """Return the names of the arguments that were given; ``data`` of "" counts: it is an empty file."""
    return [name for name, value in given.items() if value is not None and (name == "data" or not is_omitted(value))]

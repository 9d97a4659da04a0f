"""What all operators share: the connection and its hook; and what those share that upload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_taskcluster.common.arguments import as_values, as_written, content, is_omitted, path_or_url
from airflow_provider_taskcluster.common.cached_attribute import cached_attribute
from airflow_provider_taskcluster.common.checks import CheckedArguments
from airflow_provider_taskcluster.connection.fields import DEFAULT_CONN_ID
from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.links.base import NO_ADDRESSES, leave_links
from airflow_provider_taskcluster.transfer.storage_paths import check_local

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
    from airflow_provider_taskcluster.transfer.model import Transferred
    from airflow_provider_taskcluster.transfer.source.factory import Uploadable


class TaskclusterBaseOperator(CheckedArguments, BaseOperator):
    """An operator with a connection.

    :param taskcluster_conn_id: Id of the connection (templated).
    :param connect_timeout: Seconds to wait for a connection; None takes the connection's.
    :param read_timeout: Seconds of silence that end a request; None takes the connection's.
    :param max_retries: Most repeats of a request that failed for the moment; None takes the connection's.
    """

    addresses: Mapping[str, str] = NO_ADDRESSES
    """Of its links, once they are left (``leave_links``)."""

    def __init__(
        self,
        *,
        taskcluster_conn_id: str = DEFAULT_CONN_ID,
        connect_timeout: float | None = None,
        read_timeout: float | None = None,
        max_retries: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.taskcluster_conn_id = taskcluster_conn_id
        self.connect_timeout = connect_timeout
        self.read_timeout = read_timeout
        self.max_retries = max_retries

    @cached_attribute
    def hook(self) -> TaskclusterHook:
        """The hook of this connection. A DAG file that is only parsed does not load it."""
        from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

        return TaskclusterHook(
            str(self.taskcluster_conn_id),
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            max_retries=self.max_retries,
        )

    def render_template(self, content: Any, *arguments: Any, **options: Any) -> Any:
        """Render as Airflow does, but what looks like a number stays text, unless it is in the JSON of ``data``."""
        is_json = isinstance(content, dict | list) and content is getattr(self, "data", None)
        how = as_values if is_json else as_written
        return how(super().render_template, content, *arguments, **options)

    def pre_execute(self, context: Context) -> None:
        """Leave the links first, so that a task that fails has them, too."""
        super().pre_execute(context)
        self.clear_omitted()
        leave_links(self, context)

    def on_kill(self) -> None:
        """End what moves, so that a killed task ends at once."""
        if "hook" in self.__dict__:
            self.hook.stop()


class ExtractingOperator(TaskclusterBaseOperator):
    """An operator that can extract what it has downloaded, on this machine."""

    checks: ClassVar = {"extract_to": check_local}
    depends = ("destination", "extract_to")

    @classmethod
    def check_together(cls, task_id: str, **given: Any) -> None:  # noqa: ARG003 (of the base class)
        """See the base class."""
        if not is_omitted(given["extract_to"]):
            check_local(given["destination"], "destination")


def recorder_of(recorder: Any, context: Context) -> Any:
    """Return where the next try will look for upload ids: the folder, else Airflow's own store, where there is one.

    :param recorder: Folder that an operator was given, or None.
    """
    if recorder is not None:
        return path_or_url(recorder, "recorder")
    from airflow_provider_taskcluster.transfer.upload.recorder import StateStoreRecorder

    store = context.get("task_state_store")
    return None if store is None else StateStoreRecorder(store)


def check_source(source: Any, data: Any, task_id: str) -> None:
    """Check that an operator was given one of the two.

    :raises InvalidInput: Both, or none.
    """
    if is_omitted(source) is (data is None):
        raise InvalidInput(f"Task {task_id!r} needs something to upload: give either source (a path) or data")


def what_to_upload(source: Any, data: Any) -> Uploadable:
    """Return the one of the two that an operator was given."""
    return content(data) if is_omitted(source) else cast("Uploadable", path_or_url(source, "source"))


def check_extraction(destination: Any, folder: Any, name: Any = "") -> str | None:
    """Return the folder to extract into, if there is one, before anything is downloaded; "" is none.

    :param name: Of what is downloaded.
    :raises InvalidInput: One of the two is not of this machine.
    :raises ArchiveRefused: The archive is of a format that this Python does not support.
    :raises DestinationError: There can be no such folder.
    """
    if is_omitted(folder):
        return None
    from airflow_provider_taskcluster.hooks.folders import on_this_machine
    from airflow_provider_taskcluster.transfer.archive.extract import check_folder
    from airflow_provider_taskcluster.transfer.archive.formats import check_supported

    on_this_machine(path_or_url(destination, "destination"), "destination")
    check_supported(str(name))
    check_supported(str(destination))
    found = str(on_this_machine(path_or_url(folder, "extract_to"), "extract_to"))
    check_folder(found)
    return found


def with_extracted(moved: Transferred, folder: str | None, hook: TaskclusterHook) -> Transferred:
    """Extract what was downloaded, if there is a folder for it, and add to the result what came out."""
    if folder is None or moved["destination"] is None:
        return moved
    found = hook.extract_archive(moved["destination"], folder)
    return {**moved, "extracted": {"folder": found.folder, "files": found.files, "size": found.size}}

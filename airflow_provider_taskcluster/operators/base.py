"""Base classes of the operators, and helpers for uploads and extraction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_taskcluster.common.arguments import as_written, content, is_omitted, path_or_url
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
    """Base class of all operators: the connection and its hook.

    :param taskcluster_conn_id: Id of the connection (templated).
    :param connect_timeout: Seconds to connect to a server; None takes the connection's.
    :param read_timeout: Seconds without data that end a request; None takes the connection's.
    :param max_retries: Most retries of a request with a transient error; None takes the connection's.
    """

    addresses: Mapping[str, str] = NO_ADDRESSES
    """URLs of the links by key, set by ``leave_links``."""

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
        """The hook of the connection, made on first use."""
        return self._new_hook()

    def _new_hook(self) -> TaskclusterHook:
        """Return another hook of the connection; it is imported here, not when a DAG file is parsed."""
        from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

        return TaskclusterHook(
            str(self.taskcluster_conn_id),
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            max_retries=self.max_retries,
        )

    def render_template(self, content: Any, *arguments: Any, **options: Any) -> Any:
        """Render as Airflow does, but keep text that looks like a number as text, except in arguments that are JSON."""
        how = as_written
        if isinstance(content, dict | list | tuple):
            own = (render for name, render in self.json_fields.items() if content is getattr(self, name, None))
            how = next(own, as_written)
        return how(super().render_template, content, *arguments, **options)

    def pre_execute(self, context: Context) -> None:
        """Set the links first, so that a task that fails has them, too."""
        super().pre_execute(context)
        self.clear_omitted()
        leave_links(self, context)

    def on_kill(self) -> None:
        """Stop the transfer, so that a killed task ends at once."""
        if "hook" in self.__dict__:
            self.hook.stop()


class ExtractingOperator(TaskclusterBaseOperator):
    """Base class of operators that can extract the archive they download."""

    checks: ClassVar = {"extract_to": check_local}
    depends = ("destination", "extract_to")

    @classmethod
    def check_together(cls, task_id: str, **given: Any) -> None:  # noqa: ARG003 (of the base class)
        """See the base class."""
        if not is_omitted(given["extract_to"]):
            check_local(given["destination"], "destination")


def tries_before_clear(task: BaseOperator, context: Context) -> int:
    """Return the number of tries before the last clear, by Airflow's own rule: a clear adds them to ``max_tries``."""
    return int(context["ti"].max_tries - (task.retries or 0))


def earlier_tries(task: BaseOperator, context: Context) -> int:
    """Return the number of tries before this one, since a user has cleared the task."""
    return max(0, context["ti"].try_number - 1 - tries_before_clear(task, context))


def is_retry(task: BaseOperator, context: Context) -> bool:
    """Tell whether an earlier try failed. The first try after a user's clear is no retry."""
    return earlier_tries(task, context) > 0


def recorder_for_task(recorder: Any, context: Context) -> Any:
    """Return the recorder of upload ids: the operator's folder, else Airflow's task state store if there is one.

    :param recorder: The operator's argument: a folder, or None.
    """
    if recorder is not None:
        return path_or_url(recorder, "recorder")
    from airflow_provider_taskcluster.transfer.upload.recorder import StateStoreRecorder

    store = context.get("task_state_store")
    return None if store is None else StateStoreRecorder(store)


def check_source(source: Any, data: Any, task_id: str) -> None:
    """Check that exactly one of ``source`` and ``data`` is given.

    :raises InvalidInput: Both are, or neither.
    """
    if is_omitted(source) is (data is None):
        raise InvalidInput(f"Task {task_id!r} needs something to upload: give either source (a path) or data")


def content_to_upload(source: Any, data: Any) -> Uploadable:
    """Return the one of ``source`` and ``data`` that is given."""
    return content(data) if is_omitted(source) else cast("Uploadable", path_or_url(source, "source"))


def check_extraction(destination: Any, folder: Any, name: Any = "") -> str | None:
    """Check the arguments of an extraction before the download; return its folder, None if there is none.

    :param name: Name of the object or artifact.
    :raises InvalidInput: The destination or the folder is not on this machine.
    :raises ArchiveRefused: This Python does not support the archive's format.
    :raises DestinationError: The folder cannot be created.
    """
    if is_omitted(folder):
        return None
    from airflow_provider_taskcluster.hooks.folders import on_this_machine
    from airflow_provider_taskcluster.transfer.archive.extract import check_folder
    from airflow_provider_taskcluster.transfer.archive.formats import check_supported

    on_this_machine(path_or_url(destination, "destination"), "destination")
    check_supported(str(name))
    check_supported(str(destination))
    checked = str(on_this_machine(path_or_url(folder, "extract_to"), "extract_to"))
    check_folder(checked)
    return checked


def with_extracted(transferred: Transferred, folder: str | None, hook: TaskclusterHook) -> Transferred:
    """Extract the downloaded archive if there is a folder for it, and add ``extracted`` to the result."""
    if folder is None or transferred["destination"] is None:
        return transferred
    extracted = hook.extract_archive(transferred["destination"], folder)
    return {
        **transferred,
        "extracted": {"folder": extracted.folder, "files": extracted.files, "size": extracted.size},
    }

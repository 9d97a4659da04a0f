"""Operators that cancel, rerun and index Taskcluster tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.arguments import (
    as_mapping,
    check_expiry,
    expiry,
    is_omitted,
    is_single,
    name_list,
    text,
)
from airflow_provider_taskcluster.common.checks import one_of
from airflow_provider_taskcluster.common.counts import whole_number
from airflow_provider_taskcluster.common.messages import one_line, visible
from airflow_provider_taskcluster.common.task_failure import permanent_errors_fail
from airflow_provider_taskcluster.exceptions import InsufficientScopes, InvalidInput, NotFound
from airflow_provider_taskcluster.links.taskcluster import TaskclusterIndexLink, TaskclusterTaskLink
from airflow_provider_taskcluster.operators.base import TaskclusterBaseOperator, is_retry
from airflow_provider_taskcluster.waits.conditions.index import index_entry
from airflow_provider_taskcluster.waits.conditions.status import reached_task, was_rerun_since
from airflow_provider_taskcluster.waits.results import MAX_IN_XCOM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_taskcluster.exceptions import ServiceError
    from airflow_provider_taskcluster.waits.results import IndexEntry, ReachedTask, ReachedTasks

# Values of ``if_missing``.
IF_MISSING = ("fail", "skip", "succeed")


def _data_object(value: Any, argument: str) -> Mapping[str, Any]:
    """Return the data of an index entry: a dict, or its JSON text from a template; None gives an empty one.

    :raises InvalidInput: It is no dict.
    """
    if is_omitted(value):
        return {}
    found = as_mapping(value, argument)
    if found is None:
        raise InvalidInput(f"{argument} is {repr(value)[:100]}: pass a dict")
    return found


class TaskclusterCancelTaskOperator(TaskclusterBaseOperator):
    """Cancel Taskcluster tasks that are not resolved.

    A resolved task does not change, and past its deadline nothing is left to cancel: both are a success, and the result
    says how each task ended. The worker is not told: it notices when it next reclaims the task, and may run on for
    minutes until then.

    All tasks are tried before one that is missing, or that the client may not cancel, fails the Airflow task. Scope
    ``queue:cancel-task:<schedulerId>/<taskGroupId>/<taskId>`` or ``queue:cancel-task-in-project:<projectId>``.

    :param taskcluster_task_id: Id of the Taskcluster task, or a list of ids (templated); ``task_id`` is Airflow's.
    :param if_missing: What to do if a task does not exist, or has expired: ``fail``; ``skip`` the Airflow task if none
        of the tasks exists; or ``succeed``.
    :return: task_id, state, run_id and reason_resolved of the task, None if it is missing; for a list ``count`` and
        ``tasks``, the first 100 of those that exist.
    """

    template_fields: Sequence[str] = ("taskcluster_task_id", "taskcluster_conn_id")
    ui_color = "#f7dcdc"
    operator_extra_links = (TaskclusterTaskLink(),)
    checks: ClassVar = {"if_missing": one_of(IF_MISSING)}

    def __init__(self, *, taskcluster_task_id: str | Sequence[str], if_missing: str = "fail", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.taskcluster_task_id = taskcluster_task_id
        self.if_missing = if_missing
        self.check_arguments()

    def execute(self, context: Context) -> ReachedTask | ReachedTasks | None:  # noqa: ARG002 (Airflow's signature)
        """Cancel each task, and return how each ended."""
        with permanent_errors_fail(f"Cancellation of task {self.taskcluster_task_id}", self.taskcluster_conn_id):
            self.check_rendered()
            given = name_list(self.taskcluster_task_id, "taskcluster_task_id")
            tasks = self._cancel_all([names.task_id(task_id) for task_id in given])
        if not tasks and self.if_missing == "skip":
            raise AirflowSkipException(f"There is no task to cancel: {one_line(', '.join(given))}")
        if is_single(self.taskcluster_task_id, given):
            return tasks[0] if tasks else None
        return {"count": len(tasks), "tasks": tasks[:MAX_IN_XCOM]}

    def _cancel_all(self, task_ids: list[str]) -> list[ReachedTask]:
        """Cancel each task; raise the first error only after the last task was tried."""
        tasks: list[ReachedTask] = []
        errors: list[ServiceError] = []
        for task_id in task_ids:
            try:
                task = reached_task(self.hook.cancel_task(task_id))
            except (NotFound, InsufficientScopes) as error:
                self.log.warning("Task %s was not cancelled: %s", visible(task_id), one_line(error))
                if self.if_missing == "fail" or not isinstance(error, NotFound):
                    errors.append(error)
                continue
            reason = task["reason_resolved"] or "not resolved yet"
            self.log.info("Task %s is %s (%s)", visible(task_id), visible(task["state"]), visible(reason))
            tasks.append(task)
        if errors:
            raise errors[0]
        return tasks


class TaskclusterRerunTaskOperator(TaskclusterBaseOperator):
    """Add a run to a Taskcluster task that is resolved or unscheduled; a pending or running task does not change.

    It does not wait for the new run: let a ``TaskclusterTaskSensor`` follow. A task cannot be rerun past its deadline.

    An Airflow retry adds no second run, also if the answer to the first request was lost: it takes a run that was
    added by a rerun since the start of the DAG run (``dag_run.start_date``, by the clock of Airflow) for its own. So
    it may take a rerun by somebody else in this time, or, in a retry after a clear, that of before the clear. The first
    try, also after a clear, always asks for a rerun.

    Scopes ``queue:status:<taskId>``, and ``queue:rerun-task:<schedulerId>/<taskGroupId>/<taskId>`` or
    ``queue:rerun-task-in-project:<projectId>``.

    :param taskcluster_task_id: Id of the Taskcluster task (templated); ``task_id`` is Airflow's.
    :return: task_id, state, run_id of the latest run, and reason_resolved.
    """

    template_fields: Sequence[str] = ("taskcluster_task_id", "taskcluster_conn_id")
    ui_color = "#ece3f7"
    operator_extra_links = (TaskclusterTaskLink(),)

    def __init__(self, *, taskcluster_task_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.taskcluster_task_id = taskcluster_task_id
        self.check_arguments()

    def execute(self, context: Context) -> ReachedTask:
        """Add a run, unless an earlier try did, and return the status of the task."""
        with permanent_errors_fail(f"Rerun of task {self.taskcluster_task_id}", self.taskcluster_conn_id):
            self.check_rendered()
            task_id = names.task_id(text(self.taskcluster_task_id, "taskcluster_task_id"))
            before = self.hook.task_status(task_id)
            if is_retry(self, context) and was_rerun_since(before, context["dag_run"].start_date):
                self.log.info("Task %s was rerun by an earlier try", visible(task_id))
                return reached_task(before)
            task = reached_task(self.hook.rerun_task(task_id))
        if len(before["runs"]) - 1 == task["run_id"]:
            self.log.info("Task %s is %s: no run was added", visible(task_id), visible(task["state"]))
        else:
            self.log.info("Task %s has run %d, which is %s", visible(task_id), task["run_id"], visible(task["state"]))
        return task


class TaskclusterIndexTaskOperator(TaskclusterBaseOperator):
    """Insert a Taskcluster task at a path of the index.

    It is idempotent. The task at the path with the highest rank stays there; of equal ranks, the latest. Scope
    ``index:insert-task:<indexPath>``.

    :param index_path: The path, such as ``my-team.builds.latest``, without ``index.`` (templated).
    :param taskcluster_task_id: Id of the Taskcluster task (templated), which need not exist; ``task_id`` is Airflow's.
    :param expires: When the entry ends (templated): a datetime with a time zone, its ISO text, or a timedelta counted
        from the start of the DAG run.
    :param rank: A whole number, 0 or more, 2^53 at most (templated): the time of the build, for example.
    :param data: Any JSON object (templated), kept in the entry.
    :return: index_path, task_id, rank, expires and data of the entry that is at the path now.
    """

    template_fields: Sequence[str] = (
        "index_path",
        "taskcluster_task_id",
        "expires",
        "rank",
        "data",
        "taskcluster_conn_id",
    )
    ui_color = "#ece3f7"
    operator_extra_links = (TaskclusterIndexLink(), TaskclusterTaskLink())
    checks: ClassVar = {"expires": check_expiry, "rank": whole_number, "data": _data_object}

    def __init__(
        self,
        *,
        index_path: str,
        taskcluster_task_id: str,
        expires: datetime | timedelta | str,
        rank: int | str = 0,
        data: Mapping[str, Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.index_path = index_path
        self.taskcluster_task_id = taskcluster_task_id
        self.expires = expires
        self.rank = rank
        self.data = data
        self.check_arguments()

    def execute(self, context: Context) -> IndexEntry:
        """Insert the task, and return the entry."""
        with permanent_errors_fail(f"Insertion at {self.index_path!r} in the index", self.taskcluster_conn_id):
            self.check_rendered()
            path = names.index_path(text(self.index_path, "index_path"))
            task_id = names.task_id(text(self.taskcluster_task_id, "taskcluster_task_id"))
            rank = whole_number(self.rank, "rank")
            entry = self.hook.insert_task(
                path, task_id, expires=expiry(self.expires, context), rank=rank, data=_data_object(self.data, "data")
            )
        if entry["taskId"] == task_id:
            self.log.info("Task %s is at %s in the index", visible(task_id), visible(path))
        else:
            other, higher = entry["taskId"], entry["rank"]
            self.log.warning("Task %r stays at %r: its rank %r is above %d", other, path, higher, rank)
        return index_entry(path, entry)

"""Operator that triggers a hook of Taskcluster and runs its task."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.arguments import as_texts, is_omitted, text
from airflow_provider_taskcluster.common.checks import one_of
from airflow_provider_taskcluster.exceptions import InvalidInput, TaskNotCompleted
from airflow_provider_taskcluster.links.taskcluster import TaskclusterHookLink, TaskclusterTaskLink
from airflow_provider_taskcluster.operators.attempts import TaskclusterAttemptsOperator
from airflow_provider_taskcluster.operators.base import earlier_tries
from airflow_provider_taskcluster.operators.definition_fields import optional_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_taskcluster.services.schemas import Json, TaskStatus

log = logging.getLogger(__name__)

IfNone = Literal["fail", "skip", "succeed"]
# Field of the payload that becomes the id of the task.
TASK_ID_FIELD = "taskId"
# The deadline of a task, at most, and a margin: the template of the hook sets it.
LONGEST_LIFETIME = timedelta(days=6)


def _payload(value: Any, argument: str) -> Json:
    payload = optional_mapping(value, argument) or {}
    if TASK_ID_FIELD in payload:
        raise InvalidInput(f"{argument} has a {TASK_ID_FIELD}, which the operator sets to the id of the task: omit it")
    return payload


def _token_field(value: Any, argument: str) -> str | None:
    if is_omitted(value):
        return None
    if text(value, argument) == TASK_ID_FIELD:
        raise InvalidInput(f"{argument} is {TASK_ID_FIELD!r}, which every payload has: name a field of its own")
    return text(value, argument)


class TaskclusterTriggerHookOperator(TaskclusterAttemptsOperator):
    """Trigger a hook of Taskcluster, and follow the task that it makes to its end.

    The payload gets a ``taskId``, which becomes the id of the task: so a retry of the Airflow task takes up the task of
    an earlier try, as with ``TaskclusterRunTaskOperator``, and a cleared one triggers the hook again. The schema of the
    hook has to let ``taskId`` through. If it does not, or if the services are older than 97.1.0, name a ``token_field``
    by which a retry finds the task; without one a retry triggers the hook again, and the log says so.

    Scopes ``hooks:trigger-hook:<hookGroupId>/<hookId>`` and ``queue:status:<taskId>``; with ``token_field`` also
    ``hooks:list-last-fires:<hookGroupId>/<hookId>`` and ``queue:get-task:<taskId>``; to cancel the task
    ``queue:cancel-task:<schedulerId>/<taskGroupId>/<taskId>``; and those of its log and artifacts. The task is made
    with the scopes of the role ``hook-id:<hookGroupId>/<hookId>``.

    :param hook_group_id: Group of the hook (templated).
    :param hook_id: Id of the hook (templated).
    :param payload: What the schema of the hook describes (templated); ``{}`` by default.
    :param token_field: Field of the payload for a token (templated), which the template of the hook copies into the
        task: into a tag, ``extra`` or its payload.
    :param if_none: What to do if the template renders to nothing, so that there is no task: ``fail``, ``skip`` the
        Airflow task, or ``succeed`` with the result None.
    :param max_retries: Most retries of a request with a transient error; None takes the connection's. The trigger
        itself is sent once.
    :return: As ``TaskclusterRunTaskOperator``.
    """

    template_fields: Sequence[str] = (
        *("hook_group_id", "hook_id", "payload", "token_field", "recorder", "download", "destination"),
        *("result_artifact", "taskcluster_conn_id"),
    )
    template_fields_renderers: ClassVar = {"payload": "json"}
    ui_color = "#f7ead3"
    json_fields: ClassVar = {"payload": as_texts}
    operator_extra_links = (TaskclusterTaskLink(), TaskclusterHookLink())
    checks: ClassVar = {
        "hook_group_id": lambda value, name: names.hook_group_id(text(value, name)),
        "hook_id": lambda value, name: names.hook_id(text(value, name)),
        "payload": _payload,
        "token_field": _token_field,
        "if_none": one_of(IfNone),
    }
    needed = frozenset({"token_field"})
    action = "Run of a Taskcluster hook"

    def __init__(
        self,
        *,
        hook_group_id: str,
        hook_id: str,
        payload: Mapping[str, Any] | str | None = None,
        token_field: str | None = None,
        if_none: IfNone = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.hook_group_id = hook_group_id
        self.hook_id = hook_id
        self.payload = payload
        self.token_field = token_field
        self.if_none = if_none
        self.check_arguments()

    def start(self, context: Context) -> TaskStatus | None:
        """See the base class."""
        from airflow_provider_taskcluster.tasks.hook_firing import HookFiring
        from airflow_provider_taskcluster.tasks.starting import TaskStart

        firing = HookFiring(
            self.hook,
            text(self.hook_group_id, "hook_group_id"),
            text(self.hook_id, "hook_id"),
            _payload(self.payload, "payload"),
            _token_field(self.token_field, "token_field"),
            since=context["dag_run"].start_date or datetime.now(UTC),
            on_task=self._note,
        )
        status = TaskStart(
            self.hook,
            task_id=self._attempt_ids(context, LONGEST_LIFETIME),
            find=firing.find,
            create=firing.create,
            is_spent=self._is_spent,
            rerun=self.rerun,
            on_task=self._note,
            gaps=earlier_tries(self, context),
        ).start()
        if status is None:
            self._end_without_task(firing.name)
        else:
            self._warn_of_rerun(status)
        return status

    def _end_without_task(self, hook: str) -> None:
        """End as ``if_none`` says."""
        if self.if_none == "fail":
            raise TaskNotCompleted(
                f"Hook {hook!r} made no task: its template renders to nothing for this payload; if that is no failure, "
                f"set if_none to 'skip' or 'succeed'"
            )
        log.info("Hook %r made no task: its template renders to nothing for this payload", hook)
        if self.if_none == "skip":
            raise AirflowSkipException(f"Hook {hook!r} made no task")

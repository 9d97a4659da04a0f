"""Operator that runs a Taskcluster task."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_taskcluster.common.arguments import as_texts, is_omitted, optional_text
from airflow_provider_taskcluster.common.checks import at_least
from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.operators.attempts import TaskclusterAttemptsOperator
from airflow_provider_taskcluster.operators.definition_fields import (
    default_metadata,
    optional_mapping,
    optional_names,
    read_payload,
    warn_of_unknown_queue,
    without_omitted,
)
from airflow_provider_taskcluster.tasks.definition import (
    check_lifetime,
    complete_definition,
    created_date,
    optional_lifetime,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_taskcluster.services.schemas import Json, TaskStatus

# Retries of the queue at most (``queue/v1/create-task-request.json``).
MOST_TASK_RETRIES = 49


def _task_retries(value: Any, argument: str) -> int | None:
    number = None if value is None else at_least(0)(value, argument)
    if isinstance(number, int) and number > MOST_TASK_RETRIES:
        raise InvalidInput(f"{argument} is {number}: the queue retries a task {MOST_TASK_RETRIES} times at most")
    return number if isinstance(number, int) else None


class TaskclusterRunTaskOperator(TaskclusterAttemptsOperator):
    """Create a Taskcluster task, and follow it to its end.

    Give ``task_queue_id`` with ``payload`` or ``payload_file``, or a whole ``definition``. A retry of the Airflow task
    takes up the task that an earlier try created, also from another worker; a cleared Airflow task creates a new one.
    The id of the task is derived from the connection's ``upload_secret`` or access token; connections that have neither
    keep a key in Airflow's task state store (3.3), or in ``recorder``.

    The task fails at once if the Taskcluster task does not complete, but for the ends in ``retry_on``, after which
    Airflow's next try creates a new task, or reruns it. Scopes as ``hook.create_task``, ``queue:status:<taskId>``,
    ``queue:cancel-task:<schedulerId>/<taskGroupId>/<taskId>``, and those of its log and artifacts.

    :param task_queue_id: Queue of workers, ``<provisionerId>/<workerType>`` (templated).
    :param payload: What the workers of this queue take (templated); see ``generic_worker_payload`` and
        ``docker_worker_payload``.
    :param payload_file: Path of a JSON file with the payload (templated); it is read when the task starts.
    :param definition: A whole definition, ``queue/v1/create-task-request.json`` (templated). Other arguments fill in
        what it does not have, dates included.
    :param name: Name of the task (templated); ``<dag_id>.<task_id>`` by default.
    :param description: Description (templated); the DAG run and the task in Airflow by default.
    :param source: URL of the source (templated); the page of the Airflow task by default.
    :param deadline: From the creation to the deadline, until which the task must be resolved; five days at most.
    :param expires: From the creation to the expiry of the task; a year after the deadline by default.
    :param priority: Priority (templated), such as ``low``; ``lowest`` by default.
    :param task_retries: How often the queue retries the task by itself; 5 by default.
    :param scopes: Scopes of the task (templated).
    :param routes: Routes (templated), such as ``index.<path>``.
    :param tags: Tags (templated).
    :param extra: Free-form JSON (templated).
    :param dependencies: Ids of tasks that must be resolved first (templated).
    :param requires: ``all-completed`` or ``all-resolved``.
    :param project_id: Project (templated); ``none`` by default.
    :param scheduler_id: Scheduler (templated), a name for your tasks by which others cannot join their groups.
    :param task_group_id: Group to join (templated); a group of its own by default.
    :return: task_id, run_id, state, reason_resolved, started, resolved, worker, artifact_count and artifacts (the first
        100 names); also ``downloaded`` and ``result`` if they were asked for.
    """

    template_fields: Sequence[str] = (
        *("task_queue_id", "payload", "payload_file", "definition", "name", "description", "source", "priority"),
        *("scopes", "routes", "tags", "extra", "dependencies", "project_id", "scheduler_id", "task_group_id"),
        *("recorder", "download", "destination", "result_artifact", "taskcluster_conn_id"),
    )
    template_fields_renderers: ClassVar = dict.fromkeys(("payload", "definition", "extra", "tags"), "json")
    ui_color = "#f7ead3"
    json_fields: ClassVar = dict.fromkeys(("payload", "definition", "extra", "tags"), as_texts)
    checks: ClassVar = {
        "deadline": check_lifetime,
        "expires": optional_lifetime,
        "task_retries": _task_retries,
    }
    depends: ClassVar = ("download", "destination", "definition", "task_queue_id", "payload", "payload_file")

    def __init__(
        self,
        *,
        task_queue_id: str | None = None,
        payload: Mapping[str, Any] | str | None = None,
        payload_file: str | None = None,
        definition: Mapping[str, Any] | str | None = None,
        name: str | None = None,
        description: str | None = None,
        source: str | None = None,
        deadline: timedelta = timedelta(days=1),
        expires: timedelta | None = None,
        priority: str | None = None,
        task_retries: int | None = None,
        scopes: Sequence[str] | str | None = None,
        routes: Sequence[str] | str | None = None,
        tags: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        dependencies: Sequence[str] | str | None = None,
        requires: str | None = None,
        project_id: str | None = None,
        scheduler_id: str | None = None,
        task_group_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.task_queue_id = task_queue_id
        self.payload = payload
        self.payload_file = payload_file
        self.definition = definition
        self.name = name
        self.description = description
        self.source = source
        self.deadline = deadline
        self.expires = expires
        self.priority = priority
        self.task_retries = task_retries
        self.scopes = scopes
        self.routes = routes
        self.tags = tags
        self.extra = extra
        self.dependencies = dependencies
        self.requires = requires
        self.project_id = project_id
        self.scheduler_id = scheduler_id
        self.task_group_id = task_group_id
        self.check_arguments()

    @classmethod
    def check_together(cls, task_id: str, **given: Any) -> None:
        """See the base class."""
        super().check_together(task_id, **given)
        given = {name: value for name, value in given.items() if not is_omitted(value)}
        if "payload" in given and "payload_file" in given:
            raise InvalidInput(f"Task {task_id!r}: give either payload or payload_file")
        if "definition" not in given and not ("task_queue_id" in given and given.keys() & {"payload", "payload_file"}):
            raise InvalidInput(
                f"Task {task_id!r} needs something to run: give task_queue_id with payload or payload_file, or a whole "
                f"definition"
            )

    def start(self, context: Context) -> TaskStatus:
        """See the base class."""
        from airflow_provider_taskcluster.tasks.starting import TaskStart, create_or_find, find_by_id

        status = TaskStart(
            self.hook,
            task_id=self._attempt_ids(context, self.deadline),
            find=lambda task_id: find_by_id(self.hook, task_id),
            create=lambda task_id: create_or_find(self.hook, task_id, self._definition(context)),
            is_spent=self._is_spent,
            rerun=self.rerun,
            on_task=self._note,
        ).start()
        assert status is not None  # there is always something to run
        self._warn_of_rerun(status)
        return status

    def _payload(self) -> Json | None:
        """Return the payload of a task that is created now."""
        return read_payload(self.payload, self.payload_file)

    def _definition(self, context: Context) -> Json:
        """Return the definition of a task that is created now."""
        fields = {
            "taskQueueId": optional_text(self.task_queue_id, "task_queue_id"),
            "payload": self._payload(),
            "priority": optional_text(self.priority, "priority"),
            "retries": _task_retries(self.task_retries, "task_retries"),
            "scopes": optional_names(self.scopes, "scopes"),
            "routes": optional_names(self.routes, "routes"),
            "tags": optional_mapping(self.tags, "tags"),
            "extra": optional_mapping(self.extra, "extra"),
            "dependencies": optional_names(self.dependencies, "dependencies"),
            "requires": self.requires,
            "projectId": optional_text(self.project_id, "project_id"),
            "schedulerId": optional_text(self.scheduler_id, "scheduler_id"),
            "taskGroupId": optional_text(self.task_group_id, "task_group_id"),
        }
        definition = complete_definition(
            {**without_omitted(fields), **(optional_mapping(self.definition, "definition") or {})},
            metadata=default_metadata(
                context, owner=self.owner, name=self.name, description=self.description, source=self.source
            ),
            created=created_date(context["dag_run"].start_date, datetime.now(UTC)),
            deadline=self.deadline,
            expires=self.expires,
        )
        warn_of_unknown_queue(self.hook, definition)
        return definition

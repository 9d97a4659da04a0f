"""The definitions of the tasks of a graph, made from an operator's arguments."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common.arguments import optional_text
from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.operators.definition_fields import (
    default_metadata,
    warn_of_unknown_queue,
    without_omitted,
)
from airflow_provider_taskcluster.operators.graph_fields import graph_of
from airflow_provider_taskcluster.tasks.definition import complete_definition, created_date

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_taskcluster.operators.graph_fields import GraphTask
    from airflow_provider_taskcluster.services.schemas import Json


class GroupDefinitions:
    """The definitions of the tasks of a graph, with what they share."""

    def __init__(self, operator: Any, context: Context, tasks: Mapping[str, GraphTask]) -> None:
        self._operator = operator
        self._started = context["dag_run"].start_date
        self._tasks = tasks
        self._graph = graph_of(tasks)
        self._metadata = default_metadata(
            context, owner=operator.owner, description=operator.description, source=operator.source
        )
        texts = ("task_queue_id", "scheduler_id", "project_id", "priority")
        queue, scheduler, project, priority = (optional_text(getattr(operator, name), name) for name in texts)
        shared = {"schedulerId": scheduler, "projectId": project, "priority": priority}
        self._shared = without_omitted(shared)
        self._queue = without_omitted({"taskQueueId": queue})

    def of(self, label: str, task_group_id: str, task_ids: Mapping[str, str]) -> Json:
        """Return the definition of a task that is created now."""
        task = self._tasks[label]
        queue = {} if {"taskQueueId", "provisionerId"} & task.fields.keys() else self._queue
        fields = {**self._shared, **queue, **task.fields, "taskGroupId": task_group_id}
        fields["dependencies"] = self._graph.ids_of(label, task_ids)
        return complete_definition(
            fields,
            metadata=self._metadata,
            created=created_date(self._started, datetime.now(UTC)),
            deadline=task.lifetimes.get("deadline", self._operator.deadline),
            expires=task.lifetimes.get("expires", self._operator.expires),
        )

    def check(self) -> None:
        """Check all definitions before one is sent, and warn of queues that nobody uses.

        :raises InvalidInput: A task has no queue, or is nothing that the queue can carry; or the schedulers differ.
        """
        queues, schedulers = {}, set()
        for label in self._tasks:
            definition = self.of(label, "", {})
            if not {"taskQueueId", "provisionerId"} & definition.keys():
                raise InvalidInput(f"Task {label!r} has no queue: give task_queue_id, to the task or to the operator")
            schedulers.add(definition.get("schedulerId", "-"))
            queues[str(definition.get("taskQueueId"))] = definition
        if len(schedulers) > 1:
            raise InvalidInput("All tasks of a group have one scheduler: give scheduler_id to the operator alone")
        for definition in queues.values():
            warn_of_unknown_queue(self._operator.hook, definition)

"""Readers of the argument from which the tasks of a graph are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common.arguments import as_mapping
from airflow_provider_taskcluster.common.checks import needs_rendering
from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.operators.definition_fields import (
    LONGEST_NAME,
    optional_mapping,
    optional_names,
    read_payload,
)
from airflow_provider_taskcluster.tasks.definition import check_lifetime, check_metadata
from airflow_provider_taskcluster.tasks.task_graph import TaskGraph

if TYPE_CHECKING:
    from datetime import timedelta

    from airflow_provider_taskcluster.services.schemas import Json

# Names of arguments of RunTask, by the field of a definition that they become. Fields of the same name have none.
_ARGUMENTS = {
    "task_queue_id": "taskQueueId",
    "project_id": "projectId",
    "scheduler_id": "schedulerId",
    "task_retries": "retries",
}
_METADATA = ("name", "description", "source")
# Fields of a definition (``queue/v1/create-task-request.json``) but for the group, which the operator makes.
_FIELDS = {
    *("taskQueueId", "provisionerId", "workerType", "schedulerId", "projectId", "dependencies", "requires", "routes"),
    *("priority", "retries", "created", "deadline", "expires", "scopes", "payload", "metadata", "tags", "extra"),
}
_LISTS = {"dependencies", "routes", "scopes"}
_DICTS = {"metadata", "tags", "extra"}
_KNOWN = {*_FIELDS, *_ARGUMENTS, *_METADATA, "payload_file"}


@dataclass(frozen=True)
class GraphTask:
    """One task of a graph.

    :param fields: Fields of its definition, without those that it takes from the operator.
    :param lifetimes: Its own timedeltas to ``deadline`` and ``expires``.
    """

    fields: Json
    lifetimes: dict[str, timedelta]


def read_graph(value: Any, argument: str = "tasks") -> dict[str, GraphTask]:
    """Return the tasks of a graph by label, each a definition or what ``TaskclusterRunTaskOperator`` takes.

    :raises InvalidInput: A task cannot be read, or the dependencies are wrong: unknown labels, a circle.
    """
    entries = as_mapping(value, argument)
    if entries is None:
        raise InvalidInput(f"{argument} is {one_line(repr(value), 100)}: pass a dict, of a task for each label")
    tasks = {label: _read_task(label, entry, f"{argument}[{label!r}]") for label, entry in entries.items()}
    graph_of(tasks).levels()
    return tasks


def check_labels(tasks: Any) -> None:
    """Check the dependencies of a graph as far as they need no rendering, when the DAG is parsed.

    :raises InvalidInput: They are wrong: unknown labels, a circle.
    """
    if not isinstance(tasks, Mapping) or any(map(needs_rendering, tasks)):
        return
    dependencies = {}
    for label, entry in tasks.items():
        given = entry.get("dependencies") if isinstance(entry, Mapping) else None
        known = given is not None and not needs_rendering(given)
        dependencies[label] = (optional_names(given, f"dependencies of {label!r}") or []) if known else []
    TaskGraph(dependencies).levels()


def graph_of(tasks: Mapping[str, GraphTask]) -> TaskGraph:
    """Return the labels and dependencies of tasks.

    :raises InvalidInput: They are wrong.
    """
    return TaskGraph({label: task.fields.get("dependencies", []) for label, task in tasks.items()})


def _read_task(label: Any, entry: Any, where: str) -> GraphTask:
    given = as_mapping(entry, where)
    if given is None:
        raise InvalidInput(f"{where} is {one_line(repr(entry), 100)}: pass a dict, a definition of a task")
    if unknown := sorted(map(str, given.keys() - _KNOWN)):
        raise InvalidInput(
            f"{where} has {unknown[0]!r}, which is neither a field of a definition nor an argument of "
            f"TaskclusterRunTaskOperator that a task of a graph takes"
        )
    fields = {_ARGUMENTS.get(name, name): read for name in given if (read := given[name]) is not None}
    if "payload" not in fields and "payload_file" not in fields:
        raise InvalidInput(f"{where} has no payload: give payload or payload_file")
    fields["payload"] = read_payload(fields.get("payload"), fields.pop("payload_file", None))
    fields |= {name: optional_names(fields[name], f"{name} of {where}") or [] for name in _LISTS & fields.keys()}
    fields |= {name: optional_mapping(fields[name], f"{name} of {where}") or {} for name in _DICTS & fields.keys()}
    metadata = {**fields.get("metadata", {}), **{name: str(fields.pop(name)) for name in _METADATA if name in fields}}
    check_metadata(metadata)
    fields["metadata"] = {"name": str(label)[:LONGEST_NAME], **metadata}
    fields["tags"] = {**fields.get("tags", {}), "label": label}
    lifetimes: dict[str, timedelta] = {
        name: check_lifetime(fields.pop(name), f"{name} of {where}")
        for name in ("deadline", "expires")
        if name in fields and not isinstance(fields[name], str)
    }
    return GraphTask(fields, lifetimes)

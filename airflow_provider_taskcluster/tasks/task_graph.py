"""A graph of tasks that depend on each other by label. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Labels of a circle, in its error.
MOST_SHOWN = 20


@dataclass(frozen=True)
class TaskGraph:
    """The labels of a graph, and what each task depends on: labels, and ids of tasks that are not in the graph.

    :param dependencies: By label.
    :raises InvalidInput: The graph is empty or has a circle, a label is no text, or a dependency is neither a label nor
        an id.
    """

    dependencies: Mapping[str, Sequence[str]]

    def __post_init__(self) -> None:
        if not self.dependencies:
            raise InvalidInput("The graph has no tasks: give at least one")
        for label, required in self.dependencies.items():
            if not isinstance(label, str) or not label.strip():
                raise InvalidInput(f"The label {label!r} is no text: name each task")
            for name in required:
                self._check_dependency(label, name)

    def _check_dependency(self, label: str, name: str) -> None:
        if name in self.dependencies:
            return
        try:
            names.task_id(name)
        except InvalidInput:
            raise InvalidInput(
                f"Task {label!r} depends on {repr(name)[:100]}: neither a label of the graph nor the id of a task"
            ) from None

    def levels(self) -> list[list[str]]:
        """Return the labels in levels: tasks depend only on tasks of earlier levels.

        :raises InvalidInput: There is a circle; the error shows one.
        """
        inside = {label: [name for name in of if name in self.dependencies] for label, of in self.dependencies.items()}
        sorter = TopologicalSorter(inside)
        try:
            sorter.prepare()
        except CycleError as error:
            circle = list(reversed(error.args[1]))
            shown = " -> ".join(map(repr, circle[:MOST_SHOWN]))
            more = f" -> {len(circle) - MOST_SHOWN} more" if len(circle) > MOST_SHOWN else ""
            raise InvalidInput(f"The dependencies go in a circle: {shown}{more}") from None
        levels = []
        while sorter.is_active():
            ready = sorter.get_ready()
            levels.append(list(ready))
            sorter.done(*ready)
        return levels

    def ids_of(self, label: str, task_ids: Mapping[str, str]) -> list[str]:
        """Return the ids that a task depends on, each once.

        :param task_ids: Ids of the tasks of the graph, by label.
        """
        return list(dict.fromkeys(task_ids.get(name, name) for name in self.dependencies[label]))

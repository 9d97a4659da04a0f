"""Questions that looks ask the services. Equal questions of many waits are asked once. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """A question. Its answer is the service's JSON, None for a thing that does not exist, or a ``TaskclusterError``."""


@dataclass(frozen=True, slots=True)
class StatusOf(Question):
    """Asks for the status of a task."""

    task_id: str


@dataclass(frozen=True, slots=True)
class DependencyStatus(StatusOf):
    """Asks for the status of a dependency of a task; the answer is None if the scope is missing."""


@dataclass(frozen=True, slots=True)
class RequirementsOf(Question):
    """Which tasks must complete before this one is scheduled? Answer: a list of ids, None without the scope."""

    task_id: str


@dataclass(frozen=True, slots=True)
class GroupOf(Question):
    """Which tasks are in this group? Answer: a list of their statuses (``services.schemas.ListedTask``)."""

    task_group_id: str


@dataclass(frozen=True, slots=True)
class ArtifactsOf(Question):
    """Which artifacts does this run list? Answer: a list, which includes objects whose upload is unfinished."""

    task_id: str
    run_id: int


@dataclass(frozen=True, slots=True)
class InfoOf(Question):
    """Is this artifact present? Answer: its info from the queue."""

    task_id: str
    run_id: int
    name: str


@dataclass(frozen=True, slots=True)
class ReasonOf(Question):
    """Why did the task publish an error as this artifact? Answer: reason and message, None if they cannot be read."""

    task_id: str
    run_id: int
    name: str


@dataclass(frozen=True, slots=True)
class MetadataOf(Question):
    """Is the upload of this object finished? Answer: its metadata."""

    name: str


@dataclass(frozen=True, slots=True)
class IndexedAt(Question):
    """Which task is at this index path? Answer: the entry of the index."""

    index_path: str

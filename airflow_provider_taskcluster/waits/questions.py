"""What a look at a wait asks of the services. Equal questions of many waits are asked once. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """One question. Its answer is the service's JSON, None where there is no such thing, or a ``TaskclusterError``."""


@dataclass(frozen=True, slots=True)
class StatusOf(Question):
    """How does this task stand? Answer: its status."""

    task_id: str


@dataclass(frozen=True, slots=True)
class GroupOf(Question):
    """Which tasks are in this group, and how do they stand? Answer: a list of statuses."""

    task_group_id: str


@dataclass(frozen=True, slots=True)
class ArtifactsOf(Question):
    """Which artifacts does this run announce? Answer: a list, in which objects are that are not finished."""

    task_id: str
    run_id: int


@dataclass(frozen=True, slots=True)
class InfoOf(Question):
    """Is this artifact present? Answer: what the queue knows of it."""

    task_id: str
    run_id: int
    name: str


@dataclass(frozen=True, slots=True)
class ReasonOf(Question):
    """Why did the task publish an error in the place of this artifact? Answer: reason and message, None if not told."""

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

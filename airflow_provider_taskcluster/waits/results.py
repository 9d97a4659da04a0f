"""Types of the results that sensors push to XCom. Pure."""

from __future__ import annotations

from typing import Any, Literal, NewType, NotRequired, TypedDict

# Limit of a list in XCom.
MAX_IN_XCOM = 100


class PresentArtifact(TypedDict):
    """An artifact that is present; ``content_length`` is None if it is not known."""

    name: str
    storage_type: str
    content_type: str
    content_length: int | None
    expires: str
    task_id: str
    run_id: int


class PresentArtifacts(TypedDict):
    """Artifacts that are present: their number, and the first 100."""

    count: int
    artifacts: list[PresentArtifact]


class FinishedObject(TypedDict):
    """An object whose upload is finished."""

    name: str
    project_id: str
    expires: str
    hashes: dict[str, str]


class FinishedObjects(TypedDict):
    """Objects whose uploads are finished: their number, and the first 100."""

    count: int
    objects: list[FinishedObject]


class ReachedTask(TypedDict):
    """A task that has reached a state; ``run_id`` is its latest run, None before the first."""

    task_id: str
    state: str
    run_id: int | None
    reason_resolved: str | None


class ReachedTasks(TypedDict):
    """Tasks that have reached a state: their number, and the first 100."""

    count: int
    tasks: list[ReachedTask]


# The completed tasks of a graph, by label.
RanTaskGroup = NewType("RanTaskGroup", dict[str, ReachedTask])


class ResolvedTaskGroup(TypedDict):
    """A task group whose tasks are all resolved: their number, and the number in each state."""

    task_group_id: str
    count: int
    states: dict[str, int]


class IndexEntry(TypedDict):
    """The task at an index path; ``time`` and ``state`` are set if ``newer_than`` was given."""

    index_path: str
    task_id: str
    rank: float
    expires: str
    data: dict[str, Any]
    time: NotRequired[str]
    state: NotRequired[str]


class Looked(TypedDict):
    """The verdict of one look: ``found`` with the ``result`` that a sensor would return, or ``why`` not."""

    verdict: Literal["found", "not yet", "over"]
    result: NotRequired[dict[str, Any]]
    why: NotRequired[str]

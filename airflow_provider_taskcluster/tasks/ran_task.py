"""The result of a task that was run, as XCom gets it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

if TYPE_CHECKING:
    from airflow_provider_taskcluster.transfer.payload.model import PayloadSummary


class RanTask(TypedDict):
    """A task that was run, and the run that was followed.

    ``artifacts`` are the first 100 names, None without the scope to list them. ``downloaded`` and ``result`` are there
    if they were asked for.
    """

    task_id: str
    run_id: int
    state: str
    reason_resolved: str | None
    started: str | None
    resolved: str | None
    worker: str | None
    artifact_count: int | None
    artifacts: list[str] | None
    downloaded: NotRequired[PayloadSummary]
    result: NotRequired[Any]

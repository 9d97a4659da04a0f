"""The wait for an entry of the index. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.waits.conditions.status import run_of
from airflow_provider_taskcluster.waits.protocol import Found, NotYet
from airflow_provider_taskcluster.waits.questions import IndexedAt, StatusOf

if TYPE_CHECKING:
    from airflow_provider_taskcluster.services.schemas import IndexedTask, TaskStatus
    from airflow_provider_taskcluster.waits.protocol import LookSteps
    from airflow_provider_taskcluster.waits.results import IndexEntry


@dataclass(frozen=True, kw_only=True)
class IndexWait:
    """A task is at an index path. Found: ``index_path``, ``task_id``, ``rank``, ``expires``, ``data``.

    :param index_path: The path.
    :param newer_than: ISO text; the last event of the task (resolved, started or scheduled) must be later. Found then
        holds it as ``time``, and ``state``. Takes the scope ``queue:status:<taskId>``.
    """

    index_path: str
    newer_than: str | None = None

    service = "index"

    def __post_init__(self) -> None:
        """Check the path.

        :raises InvalidInput: The index does not accept it.
        """
        names.index_path(self.index_path)

    def talk(self, root_url: str, memory: Any) -> LookSteps:  # noqa: ARG002 (the protocol's)
        """Look once. Scope ``index:find-task:<indexPath>``."""
        path = IndexedAt(self.index_path)
        entry = (yield [path])[path]
        if entry is None:
            return NotYet(f"There is no task at {self.index_path} in the index")
        result = index_entry(self.index_path, entry)
        if self.newer_than is None:
            return Found({**result})
        asked = StatusOf(entry["taskId"])
        status: TaskStatus | None = (yield [asked])[asked]
        time = _last_event(status) if status else None
        if status is None or time is None or _instant(time) <= _instant(self.newer_than):
            task = f"task {entry['taskId']}, last heard of {time or 'never'}"
            return NotYet(f"{self.index_path} in the index has {task}, which is not newer than {self.newer_than}")
        result |= {"time": time, "state": status["state"]}
        return Found({**result})


def index_entry(index_path: str, entry: IndexedTask) -> IndexEntry:
    """Return the entry at a path as XCom gets it."""
    return {
        "index_path": index_path,
        "task_id": entry["taskId"],
        "rank": entry["rank"],
        "expires": entry["expires"],
        "data": entry["data"],
    }


def _last_event(status: TaskStatus) -> str | None:
    run = run_of(status, None)
    return (run.get("resolved") or run.get("started") or run.get("scheduled")) if run else None


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)

"""What the pages on the hook and on files show in functions."""

from __future__ import annotations

import logging
import zipfile
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

if TYPE_CHECKING:
    from collections.abc import Callable


def show_log(task_id: str) -> None:
    """Show the log of a task in the log of this one, while it is written."""
    # [START log]
    log = logging.getLogger("airflow.task")
    for line in TaskclusterHook().task_log(task_id):
        log.info("%s", line)
    # [END log]


def last_lines(task_id: str) -> str:
    """Return the end of a log."""
    # [START tail]
    return "\n".join(TaskclusterHook().task_log(task_id, follow=False, tail=50))
    # [END tail]


def read_member(hook: TaskclusterHook, task_id: str) -> bytes:
    """Read one file of an archive without fetching all of it."""
    # [START open]
    with hook.open_artifact(task_id, "public/build/target.zip") as file, zipfile.ZipFile(file) as archive:
        return archive.read("VERSION")
    # [END open]


def log_in() -> str:
    """Read the password of a database from Taskcluster."""
    # [START secret]
    password: str = TaskclusterHook().secret("project/my-team/database")["password"]
    # [END secret]
    return password


def tell_the_team(report: str) -> None:
    """Send the same text to several places."""
    # [START notify]
    hook = TaskclusterHook()
    hook.notify_slack("C0123456789", report)
    hook.notify_email("my-team@example.com", "Nightly report", report)
    hook.notify_pulse("my-team.reports", {"report": report})
    # [END notify]


def start_a_build() -> tuple[str | None, list[Any]]:
    """Trigger a hook, and list what it has made."""
    # [START trigger]
    hook = TaskclusterHook()
    task_id = hook.trigger_hook("my-team", "build", {"branch": "main"})
    fires = hook.hook_last_fires("my-team", "build", limit=10)
    # [END trigger]
    return task_id, fires


def call_anything(task_id: str, group_id: str, handle: Callable[[Any], None]) -> Any:
    """Call what the hook has no method for."""
    # [START call]
    hook = TaskclusterHook()
    status = hook.call("queue", "rerunTask", task_id)["status"]
    hook.upstream("queue").listTaskGroup(group_id, paginationHandler=handle)
    # [END call]
    return status


def count_rows(task_id: str) -> Any:
    """Count the rows of all tables of a task."""
    # [START duckdb]
    import duckdb
    import fsspec

    database = duckdb.connect()
    database.register_filesystem(fsspec.filesystem("taskcluster", conn_id="taskcluster_default"))
    tables = f"taskcluster://taskcluster_default@artifacts/{task_id}/latest/public/*.parquet"
    return database.sql("SELECT count(*) FROM read_parquet(?)", params=[tables]).fetchall()
    # [END duckdb]

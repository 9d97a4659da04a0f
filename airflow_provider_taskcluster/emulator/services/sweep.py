"""Removal of what has expired, which the real services do by a job that runs once a day or so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster.emulator.clock import to_json

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.context import Context

EXPIRING = ("artifacts", "task_groups", "indexed_tasks", "namespaces", "purge_requests", "stored_secrets")
OF_TASKS = ("artifacts", "requirements", "releases")


class SweepService:
    """Removes expired tasks, artifacts, groups and index entries. Until then most of them can still be read."""

    def __init__(self, context: Context) -> None:
        self._database = context.database
        self._clock = context.clock

    def sweep(self) -> None:
        """Remove all that has expired; ids of tasks are free again."""
        now = self._clock.now()
        with self._database.transaction():
            self._database.execute(
                "DELETE FROM clients WHERE json_extract(details, '$.deleteOnExpiration') "
                "AND json_extract(details, '$.expires') <= ?",
                to_json(now),
            )
            self._database.execute("DELETE FROM tasks WHERE json_extract(status, '$.expires') <= ?", to_json(now))
            for table in OF_TASKS:
                self._database.execute(f"DELETE FROM {table} WHERE task_id NOT IN (SELECT task_id FROM tasks)")  # noqa: S608 - ours
            for table in EXPIRING:
                self._database.execute(f"DELETE FROM {table} WHERE expires <= ?", now)  # noqa: S608 - ours

"""Start this DAG when a build completes in Taskcluster, or a report is uploaded. Needs Airflow 3.

The triggerer watches, all watches and deferred sensors together; no worker waits. A task is indexed when it completes
and has a route ``index.<path>``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Asset, AssetWatcher, dag, task

from airflow_provider_taskcluster.triggers.events import TaskclusterIndexEventTrigger, TaskclusterObjectEventTrigger

SECONDS = 5  # to be seen at work; without it, a look a minute

completed = TaskclusterIndexEventTrigger(index_path="airflow-demo.builds.latest", interval=SECONDS)
finished = TaskclusterObjectEventTrigger(name="airflow-demo/report.html", interval=SECONDS)
build = Asset("airflow-demo-build", watchers=[AssetWatcher(name="completed", trigger=completed)])
report = Asset("airflow-demo-report", watchers=[AssetWatcher(name="finished", trigger=finished)])


@dag(
    schedule=build | report,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["taskcluster", "example"],
)
def started_by_taskcluster() -> None:
    """Say what started it."""

    @task
    def look(triggering_asset_events: dict[Any, Any] | None = None) -> dict[str, Any]:
        """Return what the watches told, by the name of their asset."""
        events = triggering_asset_events or {}
        return {asset.name: [event.extra["payload"] for event in told] for asset, told in events.items()}

    look()


started_by_taskcluster()

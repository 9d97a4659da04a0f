"""Tasks that return results of the hook, with options that are overridden where they are called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import Asset, dag, task, task_group

from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

if TYPE_CHECKING:
    from airflow_provider_taskcluster.transfer.model import Transferred

PUBLISHED = Asset("airflow-demo-upload")  # known to the database by an example


@dag(schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC))
def overridden_functions():
    @task(retries=1)
    def publish(name: str, *, dag_run: Any = None) -> Transferred:
        result = TaskclusterHook().upload_object(
            b"text", f"overridden/{name}", expires=dag_run.start_date + timedelta(days=1)
        )
        return result.as_dict()

    @task
    def size(published: Transferred) -> int:
        return published["size"]

    @task_group
    def publishing(name: str) -> Any:
        return size(publish(name))

    plain = publish("plain")
    changed = publish.override(task_id="changed", retries=7, outlets=[PUBLISHED], retry_delay=timedelta(seconds=3))
    size(plain) >> size.override(task_id="size_changed", trigger_rule="all_done")(changed("changed"))
    changed.override(task_id="mapped").expand(name=["one", "two"])
    publishing.override(group_id="grouped")("grouped")


overridden_functions()

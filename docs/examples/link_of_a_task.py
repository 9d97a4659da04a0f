"""What the page on links shows: an address in a function."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import task

from airflow_provider_taskcluster.links.taskcluster import TaskclusterTaskLink


# [START link]
@task
def page_of_the_task(ti: Any = None) -> str:
    """Return the address of the Taskcluster task that the task ``wait`` of this DAG is about."""
    return ti.xcom_pull(task_ids="wait", key=TaskclusterTaskLink.key)
    # [END link]

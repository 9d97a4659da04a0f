"""Trigger a hook of Taskcluster, follow the task that it makes, and use its result.

Trigger it with the group and the id of a hook that takes ``branch`` and ``taskId``, and whose task publishes a small
JSON artifact ``public/result.json``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.providers.common.compat.sdk import Param, dag, task

from airflow_provider_taskcluster.operators.hooks import TaskclusterTriggerHookOperator


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={
        "hook_group_id": Param("my-team", type="string"),
        "hook_id": Param("build", type="string"),
        "branch": Param("main", type="string"),
    },
    tags=["taskcluster", "example"],
)
def trigger_hook() -> None:
    """Run the task of a hook, and say what it returned."""
    # [START trigger_hook]
    build = TaskclusterTriggerHookOperator(
        task_id="build",
        hook_group_id="{{ params.hook_group_id }}",
        hook_id="{{ params.hook_id }}",
        payload={"branch": "{{ params.branch }}"},
        result_artifact="public/result.json",
        poll_interval=2,
        retries=2,
    )
    # [END trigger_hook]

    @task
    def report(ran: Any) -> str:
        """Use what the task returned."""
        return f"Built {ran['result']['branch']} in task {ran['task_id']}"

    report(build.output)


trigger_hook()

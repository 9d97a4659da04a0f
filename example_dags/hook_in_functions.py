"""Read an artifact in a TaskFlow function, process it, and upload the result as an object.

Trigger it with the ``taskcluster_task_id`` of a task that has published artifacts.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import Param, dag, task

from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

if TYPE_CHECKING:
    from airflow_provider_taskcluster.types import TransferResult


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={
        "taskcluster_task_id": Param("", type="string", description="Id of the Taskcluster task"),
        "artifact": Param("public/build/report.txt", type="string"),
    },
    tags=["taskcluster", "example"],
)
def hook_in_functions() -> None:
    """Look, count, publish."""

    # [START list_artifacts]
    @task(multiple_outputs=False)  # or each artifact would be an XCom of its own: Airflow 3.0 refuses keys with slashes
    def sizes(task_id: str) -> dict[str, int | None]:
        """Return the size of each artifact of the latest run, where the queue knows it: not of objects."""
        hook = TaskclusterHook()
        return {info["name"]: info.get("contentLength") for info in hook.list_artifacts(task_id)}
        # [END list_artifacts]

    # [START read_and_upload]
    @task(retries=2, multiple_outputs=False)  # one XCom; said, since Airflow cannot look up a type that is not imported
    def count_lines(task_id: str, artifact: str, *, run_id: str, dag_run: Any = None) -> TransferResult:
        """Read a small artifact into memory, and publish what was found as an object."""
        hook = TaskclusterHook()
        report = hook.read_artifact(task_id, artifact)  # bytes, 64 MiB at most unless max_bytes says more
        return hook.upload_object(
            f"{len(report.splitlines())} lines\n".encode(),
            f"airflow-demo/{run_id}/lines.txt",
            expires=dag_run.start_date + timedelta(days=1),  # the same in every try
        )
        # [END read_and_upload]

    # [START object_url]
    @task
    def link(name: str) -> str:
        """Return the address of the object for a browser."""
        return TaskclusterHook().object_url(name)
        # [END object_url]

    published = count_lines("{{ params.taskcluster_task_id }}", "{{ params.artifact }}", run_id="{{ run_id }}")
    sizes("{{ params.taskcluster_task_id }}") >> published
    published >> link("airflow-demo/{{ run_id }}/lines.txt")


hook_in_functions()

"""A whole story: a hook makes a build, and the team gets a report on it.

A hook of Taskcluster makes a build, whose task group is followed to its end. Its artifacts go to a bucket. A Python
function makes a report of them, on Taskcluster. The report is uploaded as an object, the team is told, and the workers
drop a cache. The hook takes ``branch`` and ``taskId``; its task begins a task group of its own, and publishes
``public/build/*``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import Param, dag, task

from airflow_provider_taskcluster.notifications.taskcluster import TaskclusterNotifier
from airflow_provider_taskcluster.operators.hooks import TaskclusterTriggerHookOperator
from airflow_provider_taskcluster.operators.objects import TaskclusterUploadObjectOperator
from airflow_provider_taskcluster.operators.payloads import TaskclusterDownloadPayloadOperator
from airflow_provider_taskcluster.operators.purge_cache import TaskclusterPurgeCacheOperator
from airflow_provider_taskcluster.sensors.tasks import TaskclusterTaskGroupSensor

BUILD = "{{ ti.xcom_pull(task_ids='build')['task_id'] }}"


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={
        "hook_group_id": Param("my-team", type="string"),
        "hook_id": Param("build", type="string"),
        "branch": Param("main", type="string"),
        "bucket": Param("file:///tmp/airflow-demo", type="string", description="A URL of ObjectStoragePath"),
        "task_queue_id": Param("emulator/linux", type="string", description="Workers that run Python functions"),
        "python": Param("python3", type="string", description="Their Python"),
        "worker_pool_id": Param("emulator/linux", type="string", description="Workers that drop a cache"),
    },
    default_args={
        "on_failure_callback": TaskclusterNotifier(
            text="{{ ti.task_id }} of {{ run_id }} failed: {{ exception }}", slack="C0123456789"
        )
    },
    tags=["taskcluster", "example"],
)
def build_and_report() -> None:
    """Build, follow, keep, report, publish, tell, clean up."""
    build = TaskclusterTriggerHookOperator(
        task_id="build",
        hook_group_id="{{ params.hook_group_id }}",
        hook_id="{{ params.hook_id }}",
        payload={"branch": "{{ params.branch }}"},
        poll_interval=2,
        retries=2,
    )
    follow = TaskclusterTaskGroupSensor(
        task_id="follow", task_group_id=BUILD, states=["completed"], poke_interval=2, timeout=3600, deferrable=True
    )
    keep = TaskclusterDownloadPayloadOperator(
        task_id="keep",
        taskcluster_task_id=BUILD,
        include="public/build/*",
        destination="{{ params.bucket }}/{{ params.branch }}",
    )

    # [START function]
    @task.taskcluster(
        task_queue_id="{{ params.task_queue_id }}",
        python_command="{{ params.python }}",
        max_run_time=timedelta(minutes=10),
        poll_interval=2,
        retries=2,
    )
    def report(branch: str, kept: Any, group: Any) -> str:
        """Return the report, as Markdown."""
        import platform

        lines = [f"- {file['name']}: {file['size']} bytes" for file in kept["files"]]
        heading = f"# Build of {branch}: {group['count']} tasks, {len(lines)} files"
        return "\n".join([heading, "", *lines, "", f"Made on Taskcluster by Python {platform.python_version()}."])

    written: Any = report("{{ params.branch }}", keep.output, follow.output)
    # [END function]

    publish = TaskclusterUploadObjectOperator(
        task_id="publish",
        name="airflow-demo/reports/{{ run_id }}.md",
        data=written,
        content_type="text/markdown; charset=utf-8",
        expires=timedelta(days=30),
        on_success_callback=TaskclusterNotifier(
            text="The report of {{ params.branch }} is at {{ ti.xcom_pull(task_ids='publish')['name'] }}",
            slack="C0123456789",
            email="my-team@example.com",
        ),
    )
    clean = TaskclusterPurgeCacheOperator(
        task_id="clean", worker_pool_id="{{ params.worker_pool_id }}", cache_names=["checkouts-{{ params.branch }}"]
    )
    build >> follow >> keep
    publish >> clean


build_and_report()

"""Tell the team when a task fails: in Slack, by e-mail, and on Pulse."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import Param, dag, task

from airflow_provider_taskcluster.notifications.taskcluster import TaskclusterNotifier


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={"divisor": Param(0, type="integer")},
    # [START notifier]
    default_args={
        "on_failure_callback": TaskclusterNotifier(
            text="{{ ti.task_id }} failed in {{ run_id }}: {{ exception }}",
            link="{{ ti.log_url }}",
            slack="C0123456789",
            email=["my-team@example.com", "on-call@example.com"],
            pulse="my-team.failures",
        )
    },
    # [END notifier]
    tags=["taskcluster", "example"],
)
def notify_failures() -> None:
    """Divide, which fails by default."""

    @task
    def divide(divisor: str) -> float:
        return 1 / int(divisor)

    divide("{{ params.divisor }}")


notify_failures()

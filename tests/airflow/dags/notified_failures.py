"""A task that fails and notifies, in ways that a test chooses."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import dag, task

# Set by the test: the notifier, which both tasks share.
NOTIFIER = None


@dag(schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False)
def notified_failures():
    @task(on_failure_callback=NOTIFIER, retries=0)
    def breaks():
        raise ValueError("it broke")

    @task(on_failure_callback=NOTIFIER, retries=0)
    def breaks_too():
        raise ValueError("it broke as well")

    @task(on_success_callback=NOTIFIER)
    def works():
        return 1

    breaks()
    breaks_too()
    works()


notified_failures()

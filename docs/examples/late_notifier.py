"""A callback for the deadlines of Airflow 3.1 and later."""

from __future__ import annotations

from airflow.sdk import AsyncCallback

from airflow_provider_taskcluster.notifications.taskcluster import TaskclusterNotifier

# [START late]
late = AsyncCallback(TaskclusterNotifier, kwargs={"slack": "C0123456789", "text": "{{ dag_run.dag_id }} is late"})
# [END late]

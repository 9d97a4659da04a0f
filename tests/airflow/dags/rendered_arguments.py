"""Arguments that only a running task can check, and optional ones whose template renders to nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import dag

from airflow_provider_taskcluster.operators.objects import (
    TaskclusterDownloadObjectOperator,
    TaskclusterUploadObjectOperator,
)

FOLDER = "{{ dag_run.conf['folder'] }}"
NOTHING = "{{ dag_run.conf['nothing'] }}"


@dag(schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), default_args={"retries": 2, "connections": 2})
def rendered_arguments():
    upload = TaskclusterUploadObjectOperator(
        task_id="upload",
        name="rendered/a",
        data="x",
        expires=timedelta(days=1),
        content_type=NOTHING,
        project_id=NOTHING,
    )
    upload >> TaskclusterDownloadObjectOperator.partial(task_id="mapped", name="rendered/a").expand_kwargs(
        [{"destination": f"{FOLDER}/a", "connections": 2}, {"destination": f"{FOLDER}/b", "connections": 0}]
    )
    TaskclusterDownloadObjectOperator(task_id="empty", name=NOTHING, destination=f"{FOLDER}/c")


rendered_arguments()

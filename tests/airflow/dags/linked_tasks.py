"""Tasks that succeed and tasks that fail, in every way that matters for their links."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import dag

from airflow_provider_taskcluster.operators.artifacts import TaskclusterDownloadArtifactOperator
from airflow_provider_taskcluster.operators.objects import TaskclusterDownloadObjectOperator
from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor

TASK = "{{ dag_run.conf['task'] }}"
FOLDER = "{{ dag_run.conf['folder'] }}"


@dag(schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC))
def linked_tasks():
    TaskclusterArtifactSensor(task_id="wait", taskcluster_task_id=TASK, name="public/{{ 'a.txt' }}")
    TaskclusterDownloadArtifactOperator.partial(
        task_id="download", taskcluster_task_id=TASK, run_id=0, destination=f"{FOLDER}/a"
    ).expand(name=["public/a.txt", "public/missing"])
    TaskclusterDownloadObjectOperator(task_id="no_object", name="no/such", destination=f"{FOLDER}/b")
    TaskclusterArtifactSensor(task_id="no_task_id", taskcluster_task_id="none", name="public/a.txt")
    TaskclusterDownloadObjectOperator(
        task_id="no_connection", taskcluster_conn_id="missing", name="x", destination=f"{FOLDER}/b"
    )
    TaskclusterDownloadObjectOperator(task_id="not_rendered", name="{{ 1 / 0 }}", destination=f"{FOLDER}/b")
    TaskclusterDownloadObjectOperator.partial(task_id="none_rendered", destination="{{ 1 / 0 }}").expand(name=["x"])


linked_tasks()

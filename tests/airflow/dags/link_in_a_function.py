"""The function of docs/examples/link_of_a_task.py behind a sensor."""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime
from pathlib import Path

from airflow.providers.common.compat.sdk import dag, task

from airflow_provider_taskcluster.sensors.tasks import TaskclusterTaskSensor

FILE = Path(__file__).resolve().parents[3] / "docs/examples/link_of_a_task.py"


@dag(schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC))
def link_in_a_function():
    spec = importlib.util.spec_from_file_location(FILE.stem, FILE)
    shown = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(shown)

    @task
    def write(page, to):
        Path(to).write_text(page)

    wait = TaskclusterTaskSensor(task_id="wait", taskcluster_task_id="{{ dag_run.conf['task'] }}")
    page = shown.page_of_the_task()
    wait >> page
    write(page, "{{ dag_run.conf['to'] }}")


link_in_a_function()

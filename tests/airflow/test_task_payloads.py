"""Airflow finds and renders what payloads of tasks leave to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, BaseOperator

from airflow_provider_taskcluster.tasks.docker_worker import docker_worker_payload
from airflow_provider_taskcluster.tasks.generic_worker import (
    artifact_content,
    file_artifact,
    file_mount,
    generic_worker_payload,
)


class Runs(BaseOperator):
    template_fields = ("payload",)

    def __init__(self, *, payload, **kwargs):
        super().__init__(**kwargs)
        self.payload = payload


def test_templates_at_all_depths_are_rendered():
    payload = generic_worker_payload(
        ["make", "DATE={{ ds }}"],
        max_run_time=timedelta(minutes=1),
        env={"DATE": "{{ ds }}"},
        mounts=[file_mount("{{ ds }}.zip", artifact_content("{{ params.built_by }}", "public/{{ ds }}.zip"))],
        artifacts=[file_artifact("out", "public/{{ ds }}", expires="{{ ds }}T00:00:00Z")],
    )
    task = Runs(task_id="runs", payload=payload)
    task.render_template_fields({"ds": "2026-01-31", "params": {"built_by": "fN1SbArXTPSVFNUvaOlinQ"}})
    assert task.payload == {
        "command": [["make", "DATE=2026-01-31"]],
        "maxRunTime": 60,
        "env": {"DATE": "2026-01-31"},
        "mounts": [
            {
                "file": "2026-01-31.zip",
                "content": {"taskId": "fN1SbArXTPSVFNUvaOlinQ", "artifact": "public/2026-01-31.zip"},
            }
        ],
        "artifacts": [
            {"type": "file", "path": "out", "name": "public/2026-01-31", "expires": "2026-01-31T00:00:00Z"},
        ],
    }


def test_tasks_whose_results_are_in_a_payload_run_before():
    with DAG("payloads", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):
        seconds, image = BaseOperator(task_id="seconds"), BaseOperator(task_id="image")
        payload = docker_worker_payload(image.output, max_run_time=seconds.output)
        runs = Runs(task_id="runs", payload=payload)
    assert runs.upstream_task_ids == {"seconds", "image"}

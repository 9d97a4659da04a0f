"""What the page on payloads shows of docker-worker."""

from __future__ import annotations

# [START docker_worker]
from airflow_provider_taskcluster.tasks.docker_worker import directory_artifact, docker_worker_payload

tests = docker_worker_payload(
    "python:3.13",
    ["/bin/bash", "-c", "pip install nox && nox"],
    max_run_time=3600,
    artifacts=[directory_artifact("/builds/logs", "public/logs")],
    caches={"my-team-pip": "/root/.cache/pip"},
    features={"taskclusterProxy": True},
)
# [END docker_worker]

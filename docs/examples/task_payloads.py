"""What the page on payloads shows of generic-worker."""

from __future__ import annotations

# [START generic_worker]
from datetime import timedelta

from airflow_provider_taskcluster.tasks.generic_worker import (
    artifact_content,
    cache_mount,
    file_artifact,
    file_mount,
    generic_worker_payload,
)

build = generic_worker_payload(
    ["/bin/bash", "-c", "tar xf sources.tar.gz && make"],
    ["make", "report", "DATE={{ ds }}"],
    max_run_time=timedelta(minutes=30),
    env={"CI": "1"},
    mounts=[
        file_mount("sources.tar.gz", artifact_content("fN1SbArXTPSVFNUvaOlinQ", "public/sources.tar.gz")),
        cache_mount("downloads", "my-team-downloads"),
    ],
    artifacts=[file_artifact("report.json", "public/report.json")],
    on_exit_status={"retry": [75]},
)
# [END generic_worker]

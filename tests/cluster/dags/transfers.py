"""One transfer of each kind, and a Taskcluster task, for the tests of the cluster."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from airflow.providers.common.compat.sdk import Param, dag

from airflow_provider_taskcluster.operators.artifact_uploads import TaskclusterUploadArtifactOperator
from airflow_provider_taskcluster.operators.objects import (
    TaskclusterDownloadObjectOperator,
    TaskclusterUploadObjectOperator,
)
from airflow_provider_taskcluster.operators.payloads import TaskclusterDownloadPayloadOperator
from airflow_provider_taskcluster.operators.run_task import TaskclusterRunTaskOperator

# Of this worker, and of all of them; only workers know the former.
OWN, SHARED = os.environ.get("WORKER_DATA", "/none"), os.environ["SHARED_DATA"]
SOURCE = f"{SHARED}/source"
# The queue announces an artifact once; Airflow 3.3 keeps the record of that in its task state store.
AIRFLOW_2 = version("apache-airflow").startswith("2.")
PART_SIZE = 1 << 20
CONNECTIONS = 2
EXPIRES = timedelta(days=1)
# Follows a gate, which is a file that the test makes.
SCRIPT = "echo before; while [ ! -e $GATE ]; do sleep 0.2; done; echo behind; echo '{\"answer\": 42}' > result.json"
TASK_ID = "{{ params.taskcluster_task_id }}"
PARAMS = {name: Param("", type="string") for name in ("taskcluster_task_id", "object")}
RETRIES = {"retries": 3, "retry_delay": timedelta(seconds=3)}


@dag(schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False, params=PARAMS, default_args=RETRIES)
def transfers():
    TaskclusterUploadObjectOperator(
        task_id="parts",
        source=SOURCE,
        name="{{ run_id }}/parts",
        expires=EXPIRES,
        multipart="always",
        part_size=PART_SIZE,
        connections=CONNECTIONS,
    )
    TaskclusterUploadObjectOperator(task_id="single", source=SOURCE, name="{{ run_id }}/single", expires=EXPIRES)
    TaskclusterUploadArtifactOperator(
        task_id="artifact",
        taskcluster_task_id=TASK_ID,
        run_id=0,
        name="public/{{ run_id }}",
        source=SOURCE,
        expires=EXPIRES,
        recorder=f"{SHARED}/records" if AIRFLOW_2 else None,
    )
    TaskclusterDownloadObjectOperator(
        task_id="download",
        name="{{ params.object }}",
        destination=f"{SHARED}/{{{{ run_id }}}}/download",
        connections=CONNECTIONS,
    )
    TaskclusterDownloadPayloadOperator(
        task_id="payload",
        taskcluster_task_id=TASK_ID,
        include="public/payload/*",
        destination=f"{OWN}/{{{{ run_id }}}}",
        connections=CONNECTIONS,
    )
    TaskclusterRunTaskOperator(
        task_id="run_task",
        task_queue_id="tests/cluster",
        payload={
            "command": [["sh", "-c", SCRIPT]],
            "env": {"GATE": f"{SHARED}/{{{{ run_id }}}}.gate"},
            "artifacts": [{"type": "file", "path": "result.json", "name": "public/result.json"}],
            "maxRunTime": 600,
        },
        result_artifact="public/result.json",
        poll_interval=1,
    )


transfers()

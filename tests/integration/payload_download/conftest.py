"""A run with artifacts, and the operator that downloads them."""

from __future__ import annotations

import pytest
from payload_folder import CONTENTS

from airflow_provider_taskcluster.operators.payloads import TaskclusterDownloadPayloadOperator


@pytest.fixture(params=["s3", "object"])
def stored(request, run):
    for name, data in CONTENTS.items():
        run.add(name, data, storage_type=request.param)
    return run


@pytest.fixture
def download(hook, tmp_path):
    """Run an operator and return its summary."""

    def execute(run, **arguments):
        usual = {"taskcluster_task_id": run.task_id, "destination": str(tmp_path / "folder")}
        return TaskclusterDownloadPayloadOperator(
            task_id="task", taskcluster_conn_id="tc_test", **{**usual, **arguments}
        ).execute({})

    return execute

"""Results of tasks in objects by Airflow's own backend: a result of an earlier try cannot be deleted, and stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

DAG = Path(__file__).parent / "dags" / "large_results.py"


@pytest.mark.usefixtures("database")
def test_a_task_with_results_in_objects_is_tried_again(tc, tmp_path):
    """Airflow chooses the backend when it is imported: in a process of its own."""
    (tmp_path / DAG.name).symlink_to(DAG)
    settings = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path),
        "AIRFLOW__CORE__XCOM_BACKEND": "airflow.providers.common.io.xcom.backend.XComObjectStorageBackend",
        "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH": "taskcluster://taskcluster_default@objects/tests/xcom",
        "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_THRESHOLD": "0",
        "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_COMPRESSION": "gzip",
    }
    start = "import gc, runpy, sys; gc.disable(); runpy.run_path(sys.argv[1], run_name='__main__')"
    command = [sys.executable, "-c", start, tmp_path / DAG.name]  # to look for garbage takes seconds
    ran = subprocess.run(
        command, env={**os.environ, **settings}, check=False, capture_output=True, text=True, timeout=110
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert len(tc.journal.entries(path="/finish-upload/tests%2Fxcom")) == 3, "notes of both tries, and a result"

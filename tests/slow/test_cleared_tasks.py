"""A task that is cleared runs again where Airflow's own backend keeps its results in objects."""

from __future__ import annotations

from pathlib import Path

import airflow_services
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

DAG = "large_results"
BACKEND = {
    "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).parents[1] / "airflow" / "dags"),
    "AIRFLOW__CORE__XCOM_BACKEND": "airflow.providers.common.io.xcom.backend.XComObjectStorageBackend",
    "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH": "taskcluster://taskcluster_default@objects/airflow-demo/xcom",
    "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_THRESHOLD": "0",
}


@pytest.fixture
def services(tc):
    with airflow_services.running(tc, **BACKEND) as running:
        yield running


def made(services):
    """Where the result is that the task has now."""
    query = "SELECT value FROM xcom WHERE dag_id = :dag AND task_id = 'make' AND key = 'return_value'"
    return [str(value).strip('"') for (value,) in services.rows(query, dag=DAG)]


def test_a_cleared_task_runs_again_and_its_old_result_stays(tc, services, hook):
    with services.explained():
        services.trigger(DAG, "first")
        assert services.wait_for_end("first") == "success"
        (before,) = made(services)
        services.airflow.require("tasks", "clear", "--yes", DAG)
        services.wait_for("the run to go on", lambda: made(services) not in ([], [before]))
        assert services.wait_for_end("first") == "success"
        (after,) = made(services)
    contents = {hook.read_object(place.rpartition("objects/")[2]) for place in (before, after)}
    assert len(contents) == 1
    assert before != after

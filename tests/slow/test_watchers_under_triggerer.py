"""Events in Taskcluster start a DAG, even if the triggerer dies."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import airflow_services
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

DAG = "started_by_taskcluster"
ROUTE = "index.airflow-demo.builds.latest"
OBJECT = "airflow-demo/report.html"
INTERVAL = 5  # that of the DAG


@pytest.fixture(scope="module")
def services(tc):
    with airflow_services.running(tc, **airflow_services.DEAD_TRIGGERERS_ARE_SEEN_SOON) as running:
        yield running


def completed(tc):
    return tc.bulk.create(1, state="completed", routes=[ROUTE])[0]


def told(services):
    """What the runs of the DAG were told, oldest first, as far as they have ended."""
    query = """SELECT value FROM xcom JOIN dag_run ON dag_run.dag_id = xcom.dag_id AND dag_run.run_id = xcom.run_id
        WHERE xcom.dag_id = :dag AND xcom.key = 'return_value' AND dag_run.state = 'success'
        AND dag_run.run_type = 'asset_triggered' ORDER BY dag_run.id"""
    found = [json.loads(value) for (value,) in services.rows(query, dag=DAG)]
    return [json.loads(value) if isinstance(value, str) else value for value in found]


def test_a_task_that_completes_and_an_object_that_is_finished_start_a_dag(tc, services, hook):
    def wait_for_runs(number):
        return services.wait_for(f"run {number}", lambda: len(told(services)) >= number and told(services))

    with services.explained():
        with services.triggerer():
            services.wait_for("the watches", lambda: tc.journal.entries(path="/index/v1/task/"))
            first = completed(tc)
            events = wait_for_runs(1)
            assert [build["task_id"] for build in events[0]["airflow-demo-build"]] == [first]
            time.sleep(2 * INTERVAL)
            services.kill_triggerer()
        meanwhile = completed(tc)
        with services.triggerer():
            events = wait_for_runs(2)
            assert [build["task_id"] for build in events[1]["airflow-demo-build"]] == [meanwhile]
            hook.upload_object(b"report", OBJECT, project_id="tests", expires=datetime.now(UTC) + timedelta(days=1))
            events = wait_for_runs(3)
            (report,) = events[2]["airflow-demo-report"]
            assert (report["name"], report["project_id"]) == (OBJECT, "tests")
            time.sleep(3 * INTERVAL)
            assert services.rows("SELECT count(*) FROM dag_run WHERE dag_id = :dag", dag=DAG) == [(3,)]

"""Ends and logs of deferred sensors under a real scheduler and triggerer."""

from __future__ import annotations

from pathlib import Path

import airflow_services
import pytest

from airflow_provider_taskcluster.emulator.store.faults import Status

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

DAGS = Path(__file__).parent / "dags"


@pytest.fixture(scope="module")
def services(tc):
    settings = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "PYTHONPATH": str(DAGS),  # the triggerer imports triggers by their module
        "WAITS_ON_TASKS": "[]",
        "WAITS_INTERVAL": "5",
        "LOOPS_TASK_ID": "none",
        "LOOPS_OBJECT": "none",
    }
    with airflow_services.running(tc, **settings) as running:
        yield running


def states(services, run_id):
    query = "SELECT task_id, state FROM task_instance WHERE run_id = :run"
    return dict(tuple(row) for row in services.rows(query, run=run_id))


def log_of(services, task_id):
    """All lines of a task, those from the triggerer too."""
    paths = services.airflow.home.rglob(f"*task_id={task_id}/*.log*")
    return "\n".join(path.read_text(errors="replace") for path in paths)


def test_time_outs_and_crashes_end_as_on_a_worker(services):
    with services.explained(), services.triggerer():
        services.trigger("waits_that_end", "ends")
        services.wait_for_end("ends")
        found = states(services, "ends")
        failed = dict.fromkeys(("out_of_time", "crash", "crash_soft"), "failed")
        assert found == {**failed, "out_of_time_soft": "skipped", "crash_never": "skipped"}
        timed_out = log_of(services, "out_of_time")
        assert "The execution_timeout of 15 seconds is over, and the wait is not." in timed_out
        assert "AirflowTaskTimeout" in timed_out
        assert "soft_fail is set to True: The execution_timeout of 15" in log_of(services, "out_of_time_soft")
        for task_id in ("crash", "crash_soft", "crash_never"):
            assert "RuntimeError: boom" in log_of(services, task_id)
            assert "The wait in the triggerer broke down" in log_of(services, task_id)


def test_lines_go_to_the_logs_that_they_are_for(tc, services):
    with services.explained(), services.triggerer():
        services.trigger("waits_that_go_on", "goes-on")
        deferred = {"index": "deferred", "object": "deferred"}
        services.wait_for("both to be deferred", lambda: states(services, "goes-on") == deferred)
        own = services.airflow.home / "triggerer.log"
        services.wait_for("a summary", lambda: "2 waits for Taskcluster; requests in the last 60 s" in own.read_text())
        tc.api_faults.add(Status(500), path="/metadata/", times=1000)
        services.wait_for("the outage", lambda: "Could not look, waiting on" in log_of(services, "object"))
        assert "Could not look" not in log_of(services, "index")
        assert "Could not look" not in own.read_text()
        assert "requests in the last" not in log_of(services, "index") + log_of(services, "object")

"""A test of a DAG as users write one; the page on testing shows this file."""

from __future__ import annotations

# [START test]
import json

import pytest
from wait_for_artifact import wait_for_artifact

from airflow_provider_taskcluster.emulator.store.faults import Cut
from airflow_provider_taskcluster.emulator.worker import Worker

pytestmark = pytest.mark.usefixtures("database")
REPORT = b"all tests passed\n" * 100_000


@pytest.fixture
def tc(taskcluster_emulator, monkeypatch):
    """The emulator, and a connection to it."""
    connection = {
        "conn_type": "taskcluster",
        "host": taskcluster_emulator.root_url,
        "login": taskcluster_emulator.client_id,
        "password": taskcluster_emulator.access_token,
        "extra": {"project_id": "my-team"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_TASKCLUSTER_DEFAULT", json.dumps(connection))
    yield taskcluster_emulator
    taskcluster_emulator.faults.clear()


@pytest.fixture
def task_id(tc):
    """A task that has published a report."""
    worker = Worker(tc.root_url, {"clientId": tc.client_id, "accessToken": tc.access_token})
    return worker.run_task(artifacts={"public/build/report.txt": REPORT}).task_id


def run(task_id, folder):
    return wait_for_artifact().test(run_conf={"taskcluster_task_id": task_id, "folder": str(folder)})


def test_the_report_is_downloaded(task_id, tmp_path):
    assert run(task_id, tmp_path).state == "success"
    assert (tmp_path / "artifact").read_bytes() == REPORT


def test_a_cut_connection_does_no_harm(tc, task_id, tmp_path):
    tc.faults.add(Cut(after=500_000), method="GET")
    with tc.journal.recording() as seen:
        assert run(task_id, tmp_path).state == "success"
    ranges = [entry.headers.get("range") for entry in seen.entries(origin="store", method="GET")]
    assert len(ranges) == 2  # it went on, and did not begin anew
    assert ranges[1] != ranges[0]
    assert (tmp_path / "artifact").read_bytes() == REPORT

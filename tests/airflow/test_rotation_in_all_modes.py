"""Credentials that are rotated while a sensor waits: poke and reschedule mode behave the same."""

from __future__ import annotations

import json
import secrets

import pytest
from airflow_lines import mend_reschedules
from waits_in_a_dag import INTERVAL, MODES, dag_folder, ends, noting, run_in_a_dag

from airflow_provider_taskcluster.sensors.index import TaskclusterIndexSensor
from airflow_provider_taskcluster.waits import grace_period

__all__ = ["dag_folder"]

pytestmark = pytest.mark.usefixtures("database", "dag_folder")

# What happens before each look, in order; then nothing more.
STEPS = []
in_a_worker = pytest.mark.parametrize("mode", ["poke", "reschedule"])


class Rotated(noting(TaskclusterIndexSensor)):
    def poke(self, context):
        if STEPS:
            STEPS.pop(0)()
        return super().poke(context)


@pytest.fixture
def rotate(tc, monkeypatch):
    """Rotate the credentials in the service; return a function that updates the connection."""

    def rotated():
        token = tc.add_client("tests/rotated-in-a-dag", ["*"])
        fields = {"host": tc.root_url, "login": "tests/rotated-in-a-dag", "password": token}
        connection = json.dumps({"conn_type": "taskcluster", **fields})
        return lambda: monkeypatch.setenv("AIRFLOW_CONN_TC_ROTATED", connection)

    rotated()()
    return rotated


def wait(mode, path, *steps):
    STEPS[:] = steps
    options = {"index_path": path, "taskcluster_conn_id": "tc_rotated", "poke_interval": INTERVAL, "timeout": 60}
    return ends(run_in_a_dag(lambda: Rotated(task_id="waits", retries=0, **options, **MODES[mode])))["waits"]


def nothing():
    """Let it look."""


@in_a_worker
def test_a_wait_goes_on_until_the_connection_has_the_new_ones(worker, rotate, monkeypatch, mode):
    mend_reschedules(monkeypatch)
    path = f"waits.{secrets.token_hex(6)}"
    told = []

    def publish():
        run = worker.claim(worker.create_task(routes=[f"index.{path}"]))
        run.complete()

    def tell():
        told[0]()

    end = wait(mode, path, nothing, nothing, lambda: told.append(rotate()), nothing, tell, nothing, publish)
    assert (end.state, end.text) == ("success", "")
    assert not STEPS


@in_a_worker
def test_it_ends_where_the_connection_does_not_get_them(rotate, monkeypatch, mode):
    mend_reschedules(monkeypatch)
    monkeypatch.setattr(grace_period, "GRACE_SECONDS", 2 * INTERVAL)
    end = wait(mode, f"waits.{secrets.token_hex(6)}", nothing, rotate, nothing)
    assert (end.state, end.error) == ("failed", "AirflowFailException")
    assert "check client ID and access token" in end.text
    assert not STEPS

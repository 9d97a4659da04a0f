"""Sensors whose credentials are rotated while they wait on a worker."""

from __future__ import annotations

import time

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor
from airflow_provider_taskcluster.waits import grace_period


@pytest.fixture
def rotate(tc, connect):
    """Rotate the credentials of the connection in the service; return what tells the connection."""

    def rotated():
        token = tc.add_client("tests/rotated", ["*"])
        return lambda: connect("tc_rotated", login="tests/rotated", password=token)

    rotated()()
    return rotated


def sensor(name, conn_id="tc_rotated", **options):
    return TaskclusterObjectSensor(task_id="task", taskcluster_conn_id=conn_id, name=name, **options)


def test_a_sensor_that_pokes_goes_on_with_the_new_credentials(rotate, hook, name, expires):
    hook.upload_object(b"x", name, expires=expires)
    waiting = sensor(f"{name}-later")
    assert not waiting.poke({}).is_done
    tell = rotate()
    assert not waiting.poke({}).is_done
    assert "401" in waiting.last_look
    tell()
    assert not waiting.poke({}).is_done
    assert "401" not in waiting.last_look


def test_for_as_long_as_a_secrets_backend_may_cache(rotate, hook, name, monkeypatch):
    monkeypatch.setattr(grace_period, "GRACE_SECONDS", 0.2)
    waiting = sensor(name)
    waiting.poke({})
    rotate()
    assert not waiting.poke({}).is_done
    time.sleep(0.3)
    with pytest.raises(AirflowFailException, match="check client ID and access token"):
        waiting.poke({})


def test_credentials_that_were_never_good_end_it_at_once(tc, connect, name):
    connect("tc_wrong", password="wrong")
    with pytest.raises(AirflowFailException, match="check client ID and access token"):
        sensor(name, "tc_wrong").poke({})


def test_a_deferred_sensor_defers_again(rotate, hook, name, expires):
    hook.upload_object(b"x", name, expires=expires)
    tell = rotate()
    event = {"outcome": "found", "message": "", "transient": False, "deadline": time.time() + 60}
    with pytest.raises(TaskDeferred):
        sensor(name, deferrable=True).execute_complete({}, event)
    tell()
    assert sensor(name, deferrable=True).execute_complete({}, event)["name"] == name

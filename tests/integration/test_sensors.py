"""Sensors in poke mode, called as Airflow does: what is there, what is not yet, what will never be."""

from __future__ import annotations

import os

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor
from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor
from airflow_provider_taskcluster.transfer.identity import random_upload_id

CONNECTION = {"task_id": "task", "taskcluster_conn_id": "tc_test"}
DATA = os.urandom(10_000)


def test_an_object_is_waited_for_until_its_upload_is_finished(hook, name, expires):
    sensor = TaskclusterObjectSensor(**CONNECTION, name=name)
    assert not sensor.poke({}).is_done
    upload_id = random_upload_id()
    hook.create_upload(name, upload_id=upload_id, expires=expires)
    assert not sensor.poke({}).is_done
    hook.finish_upload(name, upload_id=upload_id, hashes={"sha256": "0" * 64})
    result = sensor.poke({})
    assert result.is_done
    assert result.xcom_value["name"] == name
    assert result.xcom_value["hashes"] == {"sha256": "0" * 64}
    assert result.xcom_value["project_id"] == "tests"


def test_an_artifact_is_waited_for_until_it_is_present(hook, worker):
    task_id = worker.create_task()
    sensor = TaskclusterArtifactSensor(**CONNECTION, taskcluster_task_id=task_id, name="public/a")
    assert not sensor.poke({}).is_done
    run = worker.claim(task_id)
    grant = run.announce("public/a", content_type="text/plain", length=len(DATA))
    run.upload(grant, DATA, "text/plain")
    assert not sensor.poke({}).is_done, "a list entry is not presence"
    run.finish("public/a", grant)
    result = sensor.poke({})
    assert result.is_done
    assert result.xcom_value["content_length"] == len(DATA)
    assert result.xcom_value["storage_type"] == "object"
    assert result.xcom_value["content_type"] == "text/plain"


@pytest.mark.parametrize("run_id", [0, "0"])
def test_a_run_can_be_named(hook, worker, run_id):
    task_id = worker.create_task()
    run = worker.claim(task_id)
    run.add("public/a", DATA)
    run.exception("intermittent-task")
    named = TaskclusterArtifactSensor(**CONNECTION, taskcluster_task_id=task_id, name="public/a", run_id=run_id)
    latest = TaskclusterArtifactSensor(**CONNECTION, taskcluster_task_id=task_id, name="public/a")
    assert named.poke({}).is_done
    assert not latest.poke({}).is_done


def test_an_error_artifact_ends_the_wait(hook, run):
    run.add_error("public/a")
    sensor = TaskclusterArtifactSensor(**CONNECTION, taskcluster_task_id=run.task_id, name="public/a")
    with pytest.raises(AirflowFailException, match="will not come"):
        sensor.poke({})


def test_an_error_that_may_pass_is_waited_through(connect, name):
    connect(host="http://127.0.0.1:1", extra={"max_retries": 0})
    assert not TaskclusterObjectSensor(**CONNECTION, name=name).poke({}).is_done


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"password": "wrong"}, "check client ID and access token"),
        ({"login": None, "password": None}, "grant the anonymous client the scope object:download:"),
        ({"host": "http://127.0.0.1:1/"}, "ends with a slash"),
    ],
    ids=str,
)
def test_an_error_that_will_not_pass_ends_the_wait(connect, name, fields, sentence):
    connect(**fields)
    with pytest.raises(AirflowFailException, match=sentence):
        TaskclusterObjectSensor(**CONNECTION, name=name).poke({})


def test_a_name_that_cannot_be_ends_the_wait(hook):
    with pytest.raises(AirflowFailException, match="is not a task ID"):
        TaskclusterArtifactSensor(**CONNECTION, taskcluster_task_id="x", name="public/a").poke({})
    with pytest.raises(AirflowFailException, match="segment"):
        TaskclusterObjectSensor(**CONNECTION, name="a/../b").poke({})

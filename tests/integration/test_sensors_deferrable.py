"""How sensors defer and go on, called as Airflow does; what they end with is in tests/airflow."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_provider_taskcluster.exceptions import WaitFailed
from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor
from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor

CONNECTION = {"task_id": "task", "taskcluster_conn_id": "tc_test"}


def sensor(**options):
    return TaskclusterObjectSensor(**{**CONNECTION, "name": "waits/none", "deferrable": True, **options})


def go_on(waiting, outcome="found", *, deadline=None, transient=False):
    deadline = time.time() + 60 if deadline is None else deadline
    event = {"outcome": outcome, "message": "what happened", "transient": transient, "deadline": deadline}
    return waiting.resume_execution("execute_complete", {"event": event}, {})


def test_it_looks_first_and_then_defers_with_json_and_without_secrets(tc, hook):
    with pytest.raises(TaskDeferred) as deferred:
        sensor(timeout=100, poke_interval=7, read_timeout=3).execute({})
    _, arguments = deferred.value.trigger.serialize()
    assert json.loads(json.dumps(arguments)) == arguments
    assert abs(arguments.pop("deadline") - time.time() - 100) < 5
    assert arguments == {
        "wait": {"kind": "object", "names": ["waits/none"], "require": "all"},
        "taskcluster_conn_id": "tc_test",
        "interval": 7,
        "connect_timeout": None,
        "read_timeout": 3,
    }
    assert deferred.value.timeout.total_seconds() > 100, "the trigger minds the deadline before Airflow does"
    assert len(tc.journal) == 1


def test_what_is_there_needs_no_triggerer(hook, name, expires):
    hook.upload_object(b"x", name, expires=expires)
    assert sensor(name=name).execute({})["name"] == name


@pytest.mark.parametrize("configured", ["True", "False"])
def test_default_deferrable_is_honoured(configured, monkeypatch):
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", configured)
    module = "airflow_provider_taskcluster.sensors.objects"
    code = f"from {module} import TaskclusterObjectSensor as S; print(S(task_id='a', name='a').deferrable)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert said.stdout.split()[-1] == configured


def test_it_looks_again_before_it_succeeds_and_keeps_its_deadline(hook):
    deadline = time.time() + 30
    with pytest.raises(TaskDeferred) as deferred:
        go_on(sensor(timeout=1000), deadline=deadline)
    assert deferred.value.trigger.deadline == deadline


def test_the_last_look_comes_before_the_time_out(hook, name, expires):
    hook.upload_object(b"x", name, expires=expires)
    assert go_on(sensor(name=name), "timeout", deadline=time.time() - 1)["name"] == name
    with pytest.raises(AirflowSensorTimeout):
        go_on(sensor(), "timeout", deadline=time.time() - 1)
    with pytest.raises(AirflowSkipException):
        go_on(sensor(soft_fail=True), "timeout", deadline=time.time() - 1)
    with pytest.raises(AirflowSkipException, match="never_fail is set to True: Sensor has timed out"):
        go_on(sensor(never_fail=True), "timeout", deadline=time.time() - 1)


def test_what_is_over_fails_without_a_retry(hook):
    with pytest.raises(AirflowFailException, match="what happened"):
        go_on(sensor(), "over")
    with pytest.raises(AirflowFailException, match="what happened"):
        go_on(sensor(silent_fail=True), "over")
    for option in ("soft_fail", "never_fail"):
        with pytest.raises(AirflowSkipException, match=f"{option}.*what happened"):
            go_on(sensor(**{option: True}), "over")


def test_a_trigger_that_broke_down_lets_the_task_retry(hook):
    with pytest.raises(WaitFailed, match="what happened"):
        go_on(sensor(), "failed", transient=True)
    with pytest.raises(WaitFailed):
        go_on(sensor(soft_fail=True), "failed", transient=True)
    with pytest.raises(TaskDeferred):
        go_on(sensor(silent_fail=True), "failed", transient=True)
    with pytest.raises(AirflowSkipException):
        go_on(sensor(never_fail=True), "failed", transient=True)


def test_airflows_own_time_out_of_a_trigger_is_that_of_the_sensor(hook, name, expires):
    late = {"error": "Trigger timeout"}
    with pytest.raises(AirflowSensorTimeout):
        sensor().resume_execution("__fail__", late, {})
    with pytest.raises(AirflowSkipException):
        sensor(soft_fail=True).resume_execution("__fail__", late, {})
    hook.upload_object(b"x", name, expires=expires)
    assert sensor(name=name).resume_execution("__fail__", late, {})["name"] == name


def test_s3_artifacts_that_are_not_stored_are_waited_for(hook, run):
    from airflow_provider_taskcluster.emulator.worker import put

    grant = run.announce("public/a", storage_type="s3", content_type="text/plain")
    waiting = TaskclusterArtifactSensor(
        **CONNECTION, taskcluster_task_id=run.task_id, name="public/a", verify_content=True
    )
    assert not waiting.poke({}).is_done
    put(grant["putUrl"], b"12345", {"Content-Type": "text/plain"})
    assert waiting.poke({}).is_done


@pytest.mark.parametrize("storage_type", ["s3", "object"])
def test_the_store_tells_a_length_that_the_queue_does_not(hook, run, storage_type):
    if storage_type == "s3":
        run.add("public/a", b"12345", storage_type="s3")
    else:
        grant = run.announce("public/a")
        run.upload(grant, b"12345")
        run.finish("public/a", grant)
    assert hook.stored_artifact_length(run.task_id, "public/a") == 5
    for length, done in ((5, True), (6, False), ("5", True), ("6", False)):
        waiting = TaskclusterArtifactSensor(
            **CONNECTION, taskcluster_task_id=run.task_id, name="public/a", min_length=length
        )
        poked = waiting.poke({})
        assert poked.is_done is done
        assert not done or poked.xcom_value["content_length"] == 5


def test_an_empty_artifact_is_stored(hook, run):
    run.add("public/a", b"", storage_type="s3")
    assert hook.stored_artifact_length(run.task_id, "public/a") == 0


def test_what_is_stored_encoded_does_not_tell_its_length(hook, run):
    run.add("public/a", b"12345", storage_type="s3", gzipped=True)
    assert hook.stored_artifact_length(run.task_id, "public/a") is None

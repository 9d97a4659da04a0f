"""Deferral and resumption of sensors, called as Airflow does; their ends are tested in tests/airflow."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    TaskDeferred,
)

from airflow_provider_taskcluster.exceptions import WaitFailed
from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor
from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor
from airflow_provider_taskcluster.waits import wait_log

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
def test_default_deferrable_is_honoured(configured, monkeypatch, preloaded):
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", configured)
    module = "airflow_provider_taskcluster.sensors.objects"
    code = f"from {module} import TaskclusterObjectSensor as S; print(S(task_id='a', name='a').deferrable)"
    said = preloaded.finished(code, check=True)
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


@pytest.fixture
def said(capsys, caplog):
    """Return what a task has logged: Airflow 3 writes it out, Airflow 2 gives it to the loggers of Python."""

    def said():
        return "".join(capsys.readouterr()) or caplog.text

    return said


CRASH = {"error": "Trigger failure", "traceback": ["Traceback:\n", '  File "a.py", line 1\n', "RuntimeError: boom\n"]}


def resumed(waiting, method, arguments):
    """Resume it, as Airflow does; the kind and the text of what it raises."""
    context = {"ti": SimpleNamespace(start_date=datetime.now(UTC))}
    with pytest.raises((Exception, TaskDeferred, AirflowTaskTimeout)) as raised:
        waiting.resume_execution(method, arguments, context)
    return type(raised.value), str(raised.value)


@pytest.mark.parametrize("flag", ["soft_fail", "silent_fail", "never_fail", "retries"])
def test_a_crash_of_the_trigger_is_an_event_that_may_pass(hook, flag, said):
    """Airflow tells of a trigger that crashed in its own way, without the deadline."""
    event = {"outcome": "failed", "message": "RuntimeError: boom", "transient": True, "deadline": time.time() + 60}
    options = {flag: True, "timeout": 60}
    crashed = resumed(sensor(**options), "__fail__", CRASH)
    assert crashed == resumed(sensor(**options), "execute_complete", {"event": event})
    kind = {"silent_fail": TaskDeferred, "never_fail": AirflowSkipException}.get(flag, WaitFailed)
    assert crashed[0] is kind
    assert kind is TaskDeferred or "RuntimeError: boom" in crashed[1]
    assert "Trigger failed: RuntimeError: boom" in said()


def test_a_crash_does_not_give_the_wait_more_time(hook):
    context = {"ti": SimpleNamespace(start_date=datetime.now(UTC) - timedelta(seconds=40))}
    with pytest.raises(TaskDeferred) as deferred:
        sensor(silent_fail=True, timeout=100).resume_execution("__fail__", CRASH, context)
    assert abs(deferred.value.trigger.deadline - time.time() - 60) < 5


@pytest.mark.parametrize("said", ["Trigger timeout", "Trigger/execution timeout"])
def test_a_trigger_that_nobody_ran_ends_with_the_time_out_that_comes_first(hook, said):
    limit = timedelta(seconds=5)
    kind, text = resumed(sensor(timeout=60, execution_timeout=limit), "__fail__", {"error": said})
    assert kind is AirflowTaskTimeout
    assert text == "The execution_timeout of 5 seconds is over, and the wait is not."
    kind, text = resumed(sensor(timeout=3, execution_timeout=limit), "__fail__", {"error": said})
    assert kind is AirflowSensorTimeout
    assert "within 3 seconds" in text


def test_the_execution_timeout_is_the_deadline_of_the_trigger_if_it_comes_first(hook):
    for timeout, seconds in ((100, 40), (20, 20)):
        with pytest.raises(TaskDeferred) as deferred:
            sensor(timeout=timeout, execution_timeout=timedelta(seconds=40)).execute({})
        assert abs(deferred.value.trigger.deadline - time.time() - seconds) < 5


def test_airflow_2_finds_the_time_out_said_before_it_ends_the_task_itself(hook):
    """It ends a resumed task whose time is up before it calls more than ``pre_execute``."""
    event = {"outcome": "timeout", "message": "not finished", "transient": False, "deadline": time.time()}
    over = SimpleNamespace(
        next_method="execute_complete",
        next_kwargs={"event": event},
        start_date=datetime.now(UTC) - timedelta(seconds=6),
    )
    limit = {"execution_timeout": timedelta(seconds=5)}
    with pytest.raises(AirflowTaskTimeout, match="The last look over connection 'tc_test': not finished"):
        sensor(**limit).pre_execute({"ti": over})
    with pytest.raises(AirflowSkipException, match="soft_fail is set to True: The execution_timeout of 5 seconds"):
        sensor(**limit, soft_fail=True).pre_execute({"ti": over})


def test_intervals_get_longer_in_the_triggerer(hook):
    limited = {"exponential_backoff": True, "max_wait": timedelta(seconds=9), "poke_interval": 7, "timeout": 100}
    with pytest.raises(TaskDeferred) as deferred:
        sensor(**limited).execute({})
    trigger = deferred.value.trigger
    started = trigger.backoff.pop("started")
    assert abs(time.time() - started) < 5
    assert trigger.backoff == {"max_wait": 9}
    with pytest.raises(TaskDeferred) as deferred:
        go_on(sensor(**limited), deadline=trigger.deadline)
    assert deferred.value.trigger.backoff["started"] == pytest.approx(started), "it goes on where it was"


@pytest.mark.parametrize("soft_fail", [True, False])
def test_what_somebody_must_correct_is_not_skipped(hook, soft_fail):
    event = {"outcome": "over", "message": "no scope", "transient": False, "misconfigured": True, "deadline": 1e12}
    with pytest.raises(AirflowFailException, match="no scope"):
        sensor(soft_fail=soft_fail).execute_complete({}, event)
    with pytest.raises(AirflowSkipException, match=r"never_fail is set to True: .*no scope"):
        sensor(never_fail=True).execute_complete({}, event)


def test_a_worker_that_waits_long_says_so(hook, said, monkeypatch):
    monkeypatch.setattr(wait_log, "REPORT_EVERY", 0.1)
    with pytest.raises(AirflowSensorTimeout):
        sensor(deferrable=False, poke_interval=0.35, timeout=0.2).execute({})
    assert said().count("Waiting on. The last look over connection 'tc_test': 1 of 1 objects are not finished") == 3


@pytest.mark.parametrize("deferrable", [True, False])
def test_success_says_what_was_found(hook, name, expires, said, deferrable):
    hook.upload_object(b"x", name, expires=expires)
    sensor(name=name, deferrable=deferrable).execute({})
    assert f"Found: object '{name}'" in said()


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


def test_never_fail_skips_also_when_the_connection_cannot_be_read(monkeypatch):
    def refuse(_):
        raise RuntimeError("the API server is away")

    sensor = TaskclusterObjectSensor(**CONNECTION, name="a", never_fail=True)
    monkeypatch.setattr(sensor.hook, "get_connection", refuse)
    with pytest.raises(AirflowSkipException, match="the API server is away"):
        sensor.pre_execute({"ti": None})


def test_an_artifact_that_is_too_short_is_told(hook, run, monkeypatch):
    run.add("public/a", b"12345", storage_type="object")
    sensor = TaskclusterArtifactSensor(**CONNECTION, taskcluster_task_id=run.task_id, name="public/a", min_length=6)
    said = []
    log = SimpleNamespace(info=lambda text, *values: said.append(text % values))
    monkeypatch.setattr(TaskclusterArtifactSensor, "log", log)
    assert not sensor.poke({}).is_done
    assert "Not there yet: artifact 'public/a' has 5 bytes, and min_length is 6" in said

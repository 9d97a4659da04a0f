"""Sensors in poke mode, called as Airflow does: present, missing and impossible artifacts and tasks."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime, timedelta
from typing import NotRequired, get_args, get_origin, get_type_hints

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowTaskTimeout

from airflow_provider_taskcluster.emulator.store.faults import Ignore, Stall
from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor
from airflow_provider_taskcluster.sensors.index import TaskclusterIndexSensor
from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor
from airflow_provider_taskcluster.sensors.tasks import TaskclusterTaskGroupSensor, TaskclusterTaskSensor
from airflow_provider_taskcluster.transfer.upload.upload_id import random_upload_id
from airflow_provider_taskcluster.waits import results

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


@pytest.mark.parametrize("written", [dict, str])
def test_a_digest_by_name_is_compared(hook, name, expires, written):
    hook.upload_object(DATA, name, expires=expires)
    digest = f"sha256:{hashlib.sha256(DATA).hexdigest()}"
    both = {name: digest, f"{name}-b": digest}
    hook.upload_object(DATA, f"{name}-b", expires=expires)
    assert TaskclusterObjectSensor(**CONNECTION, name=list(both), expected_digest=written(both)).poke({}).is_done
    other = {name: "sha256:" + "0" * 64}
    with pytest.raises(AirflowFailException, match="is finished with the sha256"):
        TaskclusterObjectSensor(**CONNECTION, name=list(both), expected_digest=written(other)).poke({})


@pytest.mark.parametrize("fault", [None, Ignore("range")], ids=repr)
def test_a_digest_that_the_service_does_not_know_cannot_be_compared(hook, name, expires, tc, fault):
    hook.upload_object(DATA, name, expires=expires)
    if fault:
        tc.faults.add(fault, method="GET")
    with pytest.raises(AirflowFailException, match="nobody knows its md5: expect its sha256 instead"):
        TaskclusterObjectSensor(**CONNECTION, name=name, expected_digest="md5:" + "0" * 32).poke({})


def test_a_digest_of_a_name_that_nobody_waits_for_is_refused(hook, name, expires):
    """Airflow does not render the keys of a dict: nothing would be compared."""
    hook.upload_object(DATA, name, expires=expires)
    sensor = TaskclusterObjectSensor(**CONNECTION, name=name, expected_digest={"{{ params.n }}": "sha256:" + "0" * 64})
    with pytest.raises(AirflowFailException, match=r"params.n \}\}', which is none of the names"):
        sensor.poke({})


def test_an_artifact_is_waited_for_until_it_is_present(hook, worker):
    task_id = worker.create_task()
    sensor = TaskclusterArtifactSensor(**CONNECTION, taskcluster_task_id=task_id, name="public/a")
    assert not sensor.poke({}).is_done
    run = worker.claim(task_id)
    grant = run.announce("public/a", content_type="text/plain")
    run.upload(grant, DATA, "text/plain")
    assert not sensor.poke({}).is_done, "a list entry is not presence"
    run.finish("public/a", grant)
    result = sensor.poke({})
    assert result.is_done
    assert result.xcom_value["content_length"] is None, "the queue has no length of an object"
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


@pytest.mark.usefixtures("no_anonymous_scopes")
def test_so_does_one_whose_reason_may_not_be_read(holding, run):
    run.add_error("private/a")
    holding("queue:status:*", f"queue:list-artifacts:{run.task_id}:{run.run_id}")
    sensor = TaskclusterArtifactSensor(
        task_id="task", taskcluster_conn_id="tc_limited", taskcluster_task_id=run.task_id, name="private/a"
    )
    with pytest.raises(AirflowFailException, match="to read why takes queue:get-artifact:private/a"):
        sensor.poke({})


def test_an_error_that_may_pass_is_waited_through(connect, name):
    connect(host="http://127.0.0.1:1", extra={"max_retries": 0})
    assert not TaskclusterObjectSensor(**CONNECTION, name=name).poke({}).is_done


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"password": "wrong"}, "check client ID and access token"),
        (
            {"login": None, "password": None},
            "token of a client that holds the scope object:download:",
        ),
        ({"host": "127.0.0.1:1"}, "has no scheme"),
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


def test_a_content_type_that_a_template_left_empty_is_any(hook, run):
    run.add("public/a", DATA, content_type="text/plain")
    artifact = {"taskcluster_task_id": run.task_id, "name": "public/a"}
    assert not TaskclusterArtifactSensor(**CONNECTION, **artifact, content_type="text/html").poke({}).is_done
    assert TaskclusterArtifactSensor(**CONNECTION, **artifact, content_type="").poke({}).is_done


def types_of(sensor):
    """The types that its result may have, by name."""
    hint = get_type_hints(type(sensor).xcom_value, localns={**vars(results), "Json": dict})["return"]
    return {kind.__name__: kind for kind in get_args(hint) or (hint,)}


def has_keys_of(value, kind):
    """Tell whether it has the keys of the type, and what is in a list those of its type."""
    hints = get_type_hints(kind, include_extras=True)
    required = {key for key, hint in hints.items() if get_origin(hint) is not NotRequired}
    inner = [(get_args(hint)[0], value[key]) for key, hint in hints.items() if get_origin(hint) is list]
    return required <= value.keys() <= hints.keys() and all(
        found and all(has_keys_of(one, inside) for one in found) for inside, found in inner
    )


@pytest.mark.parametrize("count", [1, 30])
def test_arguments_are_read_as_often_for_many_artifacts_as_for_one(hook, run, count):
    class Counting(TaskclusterArtifactSensor):
        times = 0

        def wait(self):
            self.times += 1
            return super().wait()

    for number in range(count):
        run.add(f"public/{number}", DATA)
    sensor = Counting(**CONNECTION, taskcluster_task_id=run.task_id, glob="public/*", min_length="1", check_fn=dict)
    found = sensor.poke({})
    assert found.is_done
    assert found.xcom_value["count"] == count
    assert sensor.times == 2, "to look, and to look closer"


def test_what_sensors_give_has_the_type_that_they_name(hook, worker, name, expires):
    hook.upload_object(b"data", name, expires=expires)
    index_path = f"tests.{os.urandom(4).hex()}"
    task_id = worker.create_task(routes=[f"index.{index_path}"])
    run = worker.claim(task_id)
    run.add("public/a", DATA)
    run.complete()
    artifact = {"taskcluster_task_id": task_id, "name": "public/a"}
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    group_id = worker.queue.task(task_id)["taskGroupId"]
    for sensor, kind in [
        (TaskclusterArtifactSensor(**CONNECTION, **artifact), "PresentArtifact"),
        (TaskclusterArtifactSensor(**CONNECTION, taskcluster_task_id=task_id, glob="*"), "PresentArtifacts"),
        (TaskclusterObjectSensor(**CONNECTION, name=name), "FinishedObject"),
        (TaskclusterObjectSensor(**CONNECTION, name=[name]), "FinishedObjects"),
        (TaskclusterTaskSensor(**CONNECTION, taskcluster_task_id=task_id), "ReachedTask"),
        (TaskclusterTaskSensor(**CONNECTION, taskcluster_task_id=[task_id]), "ReachedTasks"),
        (TaskclusterTaskGroupSensor(**CONNECTION, task_group_id=group_id), "ResolvedTaskGroup"),
        (TaskclusterIndexSensor(**CONNECTION, index_path=index_path), "IndexEntry"),
        (TaskclusterIndexSensor(**CONNECTION, index_path=index_path, newer_than=long_ago), "IndexEntry"),
    ]:
        given = sensor.poke({}).xcom_value
        assert has_keys_of(given, types_of(sensor)[kind]), (kind, given)


@pytest.mark.usefixtures("hook")
def test_a_time_out_during_a_look_tells_what_the_look_before_said(worker, tc, alarm):
    def time_out(*_):
        raise AirflowTaskTimeout

    sensor = TaskclusterTaskSensor(
        **CONNECTION, taskcluster_task_id=worker.create_task(), execution_timeout=timedelta(seconds=5)
    )
    assert not sensor.poke({}).is_done
    tc.api_faults.add(Stall())
    alarm(0.3, time_out)
    with (
        pytest.raises(AirflowTaskTimeout, match=r"of 5 seconds is over.* The last look .*not completed"),
        sensor.flags_applied(),
    ):
        sensor.poke({})

"""Errors in task logs name the operation, its target, the reason and the next step."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, AirflowSkipException

from airflow_provider_taskcluster.emulator.store.faults import Corrupt, Cut, Reset, Status
from airflow_provider_taskcluster.operators.artifacts import TaskclusterDownloadArtifactOperator
from airflow_provider_taskcluster.operators.folders import TaskclusterUploadFolderOperator
from airflow_provider_taskcluster.operators.objects import (
    TaskclusterDownloadObjectOperator,
    TaskclusterUploadObjectOperator,
)
from airflow_provider_taskcluster.operators.purge_cache import TaskclusterPurgeCacheOperator
from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor
from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor

LIMITED = {"task_id": "task", "taskcluster_conn_id": "tc_limited"}
OWN = {"task_id": "task", "taskcluster_conn_id": "tc_test"}
TASK = "fN1SbArXTPSVFNUvaOlinQ"  # replaced by one that there is


@pytest.fixture
def context():
    return {"dag_run": SimpleNamespace(start_date=datetime.now(UTC))}


def said(task, context):
    """Run a task that must fail; the sentence of its error."""
    with pytest.raises(AirflowException) as caught:
        task.execute(context)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert task.taskcluster_conn_id in sentence
    return sentence


def cause(task, context):
    """Run a task that must fail; the cause, with which its sentence begins, before what was tried."""
    found, mark, tried = said(task, context).rpartition(" (")
    assert mark
    assert tried.endswith(f" over connection {task.taskcluster_conn_id!r} failed)")
    return found


@pytest.mark.parametrize(
    ("task", "scope"),
    [
        (
            TaskclusterUploadObjectOperator(**LIMITED, name="a/b c", data="x", expires=timedelta(days=1)),
            "object:upload:tests:a/b c",
        ),
        (TaskclusterDownloadObjectOperator(**LIMITED, name="a/b", destination="x"), "object:download:a/b"),
        (
            TaskclusterDownloadArtifactOperator(**LIMITED, taskcluster_task_id=TASK, name="private/a", destination="x"),
            "queue:get-artifact:private/a",
        ),
        (
            TaskclusterPurgeCacheOperator(**LIMITED, worker_pool_id="p/w", cache_names="checkouts"),
            "purge-cache:p/w:checkouts",
        ),
        (TaskclusterObjectSensor(**LIMITED, name="a/b", timeout=1), "object:download:a/b"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_missing_scope_is_named_exactly_as_it_is_to_be_granted(holding, run, tc, context, task, scope):
    client = holding("auth:current-scopes").settings.credentials.client_id
    run.add("public/a", b"a")
    run.add("private/a", b"a")
    if hasattr(task, "taskcluster_task_id"):
        task.taskcluster_task_id = run.task_id
    sentence = cause(task, context)
    assert "(403 InsufficientScopes)" in sentence
    assert tc.root_url in sentence
    assert sentence.endswith(f"grant client {client!r} the scope {scope.replace(TASK, run.task_id)}")


def test_the_scope_of_all_parts_is_named(holding, context):
    holding("object:upload:tests:big")
    upload = TaskclusterUploadObjectOperator(
        **LIMITED, name="big", data=os.urandom(1000), expires=timedelta(days=1), multipart="always"
    )
    assert cause(upload, context).endswith("the scope object:upload:tests:big.part-*")


def test_a_scope_that_the_connection_itself_leaves_out_is_added_there(connect, context):
    connect(extra={"project_id": "tests", "authorized_scopes": "object:download:*"})
    upload = TaskclusterUploadObjectOperator(**OWN, name="a", data="x", expires=timedelta(days=1))
    assert cause(upload, context).endswith(
        "authorized scopes leave it out: add to them the scope object:upload:tests:a"
    )


def test_who_forgot_the_client_id_is_told_to_set_it(connect, context):
    connect(login=None, password=None)
    upload = TaskclusterUploadObjectOperator(**OWN, name="a", data="x", expires=timedelta(days=1))
    assert cause(upload, context).endswith(
        "; the call carried no credentials: set client ID and access token of a client that holds the scope "
        "object:upload:tests:a"
    )


def test_the_scope_of_all_files_of_a_folder_is_named(holding, context, tmp_path):
    holding("object:download:*")
    for name in "abc":
        (tmp_path / name).write_text(name)
    upload = TaskclusterUploadFolderOperator(**LIMITED, folder=str(tmp_path), prefix="site/", expires=timedelta(days=1))
    assert cause(upload, context).endswith("; object:upload:tests:site/* is enough for all files of the folder")


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("soft_fail", [False, True])
@pytest.mark.parametrize(
    ("fields", "last_look"),
    [
        ({}, "1 of 1 objects are not finished, 'a/b' for one; if it may still come, give the sensor a longer timeout"),
        ({"host": "http://127.0.0.1:1"}, "object.object 'a/b' got no answer from http://127.0.0.1:1: "),
    ],
    ids=["not yet", "not reached"],
)
def test_a_time_out_says_what_the_last_look_came_to(connect, context, fields, last_look, soft_fail, deferrable):
    connect(extra={"max_retries": 0}, **fields)
    sensor = TaskclusterObjectSensor(**OWN, name="a/b", timeout=0, soft_fail=soft_fail, deferrable=deferrable)
    sentence = said(sensor, context)
    assert sentence.startswith("Sensor has timed out")
    assert f". The last look over connection 'tc_test': {last_look}" in sentence
    assert sentence.count("tc_test") == 1


def test_a_time_out_says_that_what_is_there_has_not_passed(connect, run, context):
    connect()
    run.add("public/a", b"a")
    sensor = TaskclusterArtifactSensor(
        **OWN, taskcluster_task_id=run.task_id, name="public/a", check_fn=lambda _: False, timeout=0
    )
    assert "'tc_test': found, but rejected by checks; see the log; if it may" in said(sensor, context)


def test_a_skip_of_a_check_is_not_a_time_out(connect, run, context):
    connect()
    run.add("public/a", b"a")

    def skip(_):
        raise AirflowSkipException("not today")

    sensor = TaskclusterArtifactSensor(**OWN, taskcluster_task_id=run.task_id, name="public/a", check_fn=skip)
    with pytest.raises(AirflowSkipException, match=r"^not today$"):
        sensor.execute(context)


@pytest.mark.parametrize(
    ("fault", "why", "next_step"),
    [
        (Status(503), "the store answered 503", "; it may pass: let the task try again"),
        (Status(404), "the store answered 404", "; it has expired, or was never stored: have it made again"),
        (Status(400), "the store answered 400", "; ask those who run this store"),
        (Cut(100), "ended after 100 of 20000 bytes", "; it may pass: let the task try again"),
        (Reset(100), "broke off after 100 bytes", "; it may pass: let the task try again"),
    ],
    ids=repr,
)
def test_an_error_of_the_store_names_the_object_and_what_came(
    connect, tc, context, name, expires, tmp_path, fault, why, next_step
):
    connect(extra={"max_retries": 0}).upload_object(os.urandom(20_000), name, expires=expires)
    tc.faults.add(fault, method="GET")
    sentence = said(TaskclusterDownloadObjectOperator(**OWN, name=name, destination=str(tmp_path / "a")), context)
    assert why in sentence
    assert sentence.endswith(f"{next_step} (Download of object {name!r} over connection 'tc_test' failed)")
    assert "sig" not in sentence
    assert "?" not in sentence


def test_a_download_without_room_names_the_file_and_what_to_do(connect, context, name, expires, tmp_path):
    connect().upload_object(b"x", name, expires=expires)
    (tmp_path / "file").touch()
    sentence = said(TaskclusterDownloadObjectOperator(**OWN, name=name, destination=f"{tmp_path}/file/copy"), context)
    assert sentence.startswith("Cannot write ")
    assert sentence.endswith(f" (Download of object {name!r} over connection 'tc_test' failed)")
    assert f"{tmp_path}/file/copy" in sentence


def test_what_holds_a_name_is_said(connect, context, name, expires):
    connect().upload_object(b"one", name, expires=expires)
    upload = TaskclusterUploadObjectOperator(**OWN, name=name, data="two", expires=expires.isoformat())
    sentence = said(upload, context)
    assert sentence.startswith("object.createUpload ")
    assert sentence.endswith(f" (Upload of object {name!r} over connection 'tc_test' failed)")


@pytest.mark.parametrize(
    ("fields", "next_step"),
    [
        ({"password": "wrong"}, "check client ID and access token of client"),
        ({"host": "http://127.0.0.1:1"}, "is it up, and reachable?"),
        ({"host": ""}, "set it, such as https://taskcluster.example.com"),
        ({"password": None}, "set it, or clear both to stay anonymous"),
    ],
    ids=str,
)
def test_a_connection_that_cannot_work_says_what_to_change(connect, context, fields, next_step):
    connect(extra={"max_retries": 0}, **fields)
    sentence = said(TaskclusterPurgeCacheOperator(**OWN, worker_pool_id="p/w", cache_names="checkouts"), context)
    assert "checkouts" in sentence
    assert next_step in sentence


def test_what_a_function_gets_names_the_connection(connect, filesystem):
    hook, fs = connect(), filesystem()
    acts = [lambda: hook.read_object("gone"), lambda: hook.list_artifacts(TASK), lambda: fs.cat_file("objects/gone")]
    for act in acts:
        with pytest.raises(AirflowException, match=r" over connection 'tc_test' at http\S+ failed \(404 "):
            act()


def test_a_sentence_names_the_connection_once(connect, context, name, tmp_path):
    connect()
    sentence = said(TaskclusterDownloadObjectOperator(**OWN, name=name, destination=str(tmp_path / "a")), context)
    assert sentence.count("tc_test") == 1


def test_an_upload_without_a_project_names_the_connection(connect, expires):
    with pytest.raises(AirflowException, match="set it in connection 'tc_test'"):
        connect(extra={"project_id": None}).upload_object(b"x", "a", expires=expires)


def test_an_artifact_that_is_not_there_says_how_to_wait_for_it(connect, run, context, tmp_path):
    connect()
    download = TaskclusterDownloadArtifactOperator(
        **OWN, taskcluster_task_id=run.task_id, name="public/a", destination=str(tmp_path / "a")
    )
    sentence = said(download, context)
    tried = f"Download of artifact 'public/a' of task {run.task_id} over connection 'tc_test' failed"
    assert sentence.endswith(f"wait with TaskclusterArtifactSensor ({tried})")


def test_wrong_bytes_are_permanent_and_name_both_digests(connect, tc, context, name, expires, tmp_path):
    connect(extra={"max_retries": 0}).upload_object(os.urandom(20_000), name, expires=expires)
    tc.faults.add(Corrupt(), method="GET")
    download = TaskclusterDownloadObjectOperator(**OWN, name=name, destination=str(tmp_path / "a"))
    with pytest.raises(AirflowFailException) as caught:
        download.execute(context)
    assert "sha" in str(caught.value)

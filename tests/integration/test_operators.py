"""Operators as Airflow calls them: results, templates, and retryable errors."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowException, AirflowFailException

from airflow_provider_taskcluster.emulator.store.faults import Status
from airflow_provider_taskcluster.exceptions import DestinationError, StoreError, TaskclusterError
from airflow_provider_taskcluster.operators.artifacts import TaskclusterDownloadArtifactOperator
from airflow_provider_taskcluster.operators.objects import (
    TaskclusterDownloadObjectOperator,
    TaskclusterUploadObjectOperator,
)
from airflow_provider_taskcluster.operators.purge_cache import TaskclusterPurgeCacheOperator

DATA = os.urandom(20_000)
CONNECTION = {"task_id": "task", "taskcluster_conn_id": "tc_test"}


@pytest.fixture
def context():
    return {"dag_run": SimpleNamespace(start_date=datetime.now(UTC).replace(microsecond=123_456))}


@pytest.fixture
def upload(hook, name, context, tmp_path):
    """Run an upload operator; keyword arguments replace the defaults."""
    source = tmp_path / "source"
    source.write_bytes(DATA)

    def run(**arguments):
        usual = {"name": name, "expires": timedelta(days=1)}
        if "data" not in arguments:
            usual["source"] = str(source)
        return TaskclusterUploadObjectOperator(**CONNECTION, **{**usual, **arguments}).execute(context)

    return run


def test_an_upload_and_a_download_tell_what_moved(hook, upload, name, context, tmp_path):
    up = upload()
    down = TaskclusterDownloadObjectOperator(**CONNECTION, name=name, destination=tmp_path / "copy").execute(context)
    assert (tmp_path / "copy").read_bytes() == DATA
    assert json.loads(json.dumps(up)) == up
    assert up["digests"] == down["digests"]
    assert (up["method"], down["method"], down["verified"]) == ("putUrl", "getUrl", "sha256+sha512")
    assert down["destination"] == str(tmp_path / "copy")
    assert len(json.dumps(down)) < 1000


def test_an_expiry_counted_from_the_start_of_the_run_is_equal_in_every_try(hook, upload, name, context):
    upload()
    assert upload()["method"] == "already there"
    start = context["dag_run"].start_date.replace(microsecond=123_000)
    assert datetime.fromisoformat(hook.object_metadata(name)["expires"]) == start + timedelta(days=1)


@pytest.mark.parametrize("data", ["text: ünï", b"bytes"])
def test_text_and_bytes_are_uploaded_as_they_are(hook, upload, name, data):
    assert upload(data=data)["method"] == "dataInline"
    assert hook.read_object(name) == (data.encode() if isinstance(data, str) else data)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"source": "/no/such/file"}, "There is no file '/no/such/file' to upload"),
        ({"name": "a/../b"}, "has a '.' or '..' segment"),
        ({"expires": "2020-01-01T00:00:00Z"}, "which is past"),
        ({"content_type": "html"}, "is not a content type"),
        ({"project_id": "a b"}, "is not a project ID"),
    ],
    ids=str,
)
def test_what_cannot_work_fails_at_once_and_in_one_sentence(upload, arguments, sentence):
    with pytest.raises(AirflowFailException) as caught:
        upload(**arguments)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_wrong_credentials_fail_at_once(connect, upload):
    connect(password="wrong")
    with pytest.raises(AirflowFailException, match="check client ID and access token"):
        upload()


def test_an_unfinished_object_fails_at_once(hook, name, expires, context, tmp_path):
    from airflow_provider_taskcluster.transfer.upload.upload_id import random_upload_id

    hook.create_upload(name, upload_id=random_upload_id(), expires=expires)
    with pytest.raises(AirflowFailException, match="404 ResourceNotFound"):
        TaskclusterDownloadObjectOperator(**CONNECTION, name=name, destination=tmp_path / "copy").execute(context)


def test_what_may_pass_rises_so_that_airflow_tries_again(connect, upload, name, context, tc, tmp_path):
    upload()
    connect(extra={"max_retries": 0})
    tc.faults.add(Status(503), method="GET")
    download = TaskclusterDownloadObjectOperator(**CONNECTION, name=name, destination=tmp_path / "copy")
    with pytest.raises(StoreError) as caught:
        download.execute(context)
    assert isinstance(caught.value, TaskclusterError | AirflowException)
    assert not isinstance(caught.value, AirflowFailException)
    assert download.execute(context)["attempts"] == 1


def test_a_destination_that_cannot_be_written_may_be_writable_for_the_next_try(upload, name, context, tmp_path):
    upload()
    (tmp_path / "file").touch()
    with pytest.raises(DestinationError, match="Cannot write"):
        TaskclusterDownloadObjectOperator(**CONNECTION, name=name, destination=tmp_path / "file/copy").execute(context)


@pytest.mark.parametrize("run_id", [None, "", "latest", 0, "0"])
def test_an_artifact_is_downloaded_from_the_run_that_was_named(hook, run, context, tmp_path, run_id):
    run.add("public/a", DATA)
    result = TaskclusterDownloadArtifactOperator(
        **CONNECTION,
        taskcluster_task_id=run.task_id,
        name="public/a",
        destination=tmp_path / "copy",
        run_id=run_id,
    ).execute(context)
    assert (tmp_path / "copy").read_bytes() == DATA
    assert result["verified"] == "sha256+sha512"


def test_an_error_artifact_fails_at_once_with_its_reason(hook, run, context, tmp_path):
    run.add_error("public/a", "gone", reason="too-large-file-on-worker")
    download = TaskclusterDownloadArtifactOperator(
        **CONNECTION, taskcluster_task_id=run.task_id, name="public/a", destination=tmp_path / "copy"
    )
    with pytest.raises(AirflowFailException, match="too-large-file-on-worker: gone"):
        download.execute(context)


def test_options_reach_the_engine(hook, upload, name, run, context, tmp_path):
    upload()
    with pytest.raises(AirflowFailException, match="raise max_bytes"):
        TaskclusterDownloadObjectOperator(**CONNECTION, name=name, destination=tmp_path / "copy", max_bytes=10).execute(
            context
        )
    run.add_reference("public/r", f"{hook.settings.root_url}/api/queue/v1/ping")
    arguments = {"taskcluster_task_id": run.task_id, "name": "public/r", "destination": tmp_path / "r"}
    with pytest.raises(AirflowFailException, match="allow_reference=True"):
        TaskclusterDownloadArtifactOperator(**CONNECTION, **arguments).execute(context)
    TaskclusterDownloadArtifactOperator(**CONNECTION, **arguments, allow_reference=True).execute(context)
    assert b"alive" in (tmp_path / "r").read_bytes()


@pytest.mark.parametrize("caches", ["one", ["one", "two"], ("one", "two", "three")])
def test_one_or_many_caches_are_purged(hook, name, context, caches):
    pool = f"tests/{name[-8:]}"
    result = TaskclusterPurgeCacheOperator(**CONNECTION, worker_pool_id=pool, cache_names=caches).execute(context)
    wanted = [caches] if isinstance(caches, str) else list(caches)
    assert result == {"worker_pool_id": pool, "cache_names": wanted}
    assert {request["cacheName"] for request in hook.purge_requests(pool)} == set(wanted)


@pytest.mark.parametrize("caches", [[], "", "[]", ["one", ""], None], ids=repr)
def test_no_cache_at_all_is_refused_before_anything_is_sent(hook, context, tc, caches):
    with pytest.raises(AirflowFailException, match="cache_names"):
        TaskclusterPurgeCacheOperator(**CONNECTION, worker_pool_id="a/b", cache_names=caches).execute(context)
    assert not list(tc.journal)


@pytest.mark.parametrize(
    "operator",
    [
        TaskclusterUploadObjectOperator,
        TaskclusterDownloadObjectOperator,
        TaskclusterDownloadArtifactOperator,
        TaskclusterPurgeCacheOperator,
    ],
)
def test_the_connection_and_every_name_are_templated(operator):
    assert "taskcluster_conn_id" in operator.template_fields
    assert {"name", "cache_names"} & set(operator.template_fields)


@pytest.mark.parametrize("written", ['["one", "two"]', "['one', 'two']"])
def test_a_list_that_a_template_wrote_as_text_is_a_list(hook, name, context, written):
    pool = f"tests/{name[-8:]}"
    result = TaskclusterPurgeCacheOperator(**CONNECTION, worker_pool_id=pool, cache_names=written).execute(context)
    assert result["cache_names"] == ["one", "two"]
    assert {request["cacheName"] for request in hook.purge_requests(pool)} == {"one", "two"}


def rendered(operator, **params):
    """Let Airflow render the templates of an operator, natively."""
    with DAG("native", schedule=None, render_template_as_native_obj=True, start_date=datetime(2030, 1, 1, tzinfo=UTC)):
        task = operator()
    task.render_template_fields({"params": params})
    return task


@pytest.mark.parametrize(
    ("data", "sent"),
    [('{"a": {{ params.n }}}', b'{"a": 1}'), ("{{ params.n }}", b"1"), ("[{{ params.n }}, 2]", b"[1, 2]")],
)
def test_native_rendering_changes_neither_data_nor_names(hook, context, data, sent):
    def operator():
        return TaskclusterUploadObjectOperator(
            **CONNECTION, name="{{ params.name }}", data=data, expires=timedelta(days=1), content_type="text/plain"
        )

    number = int.from_bytes(os.urandom(6), "big")
    task = rendered(operator, n=1, name=str(number))
    assert task.name == str(number)
    assert task.execute(context)["name"] == str(number)
    assert hook.read_object(str(number)) == sent


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        ({"n": "{{ params.n }}", "in": [{"b": "{{ params.b }}"}]}, b'{"n": 1, "in": [{"b": true}]}'),
        (["{{ params.n }}", ("v{{ params.n }}", 2)], b'[1, ["v1", 2]]'),
    ],
)
def test_numbers_in_json_stay_numbers_under_native_rendering(hook, name, context, data, sent):
    def operator():
        return TaskclusterUploadObjectOperator(**CONNECTION, name=name, data=data, expires=timedelta(days=1))

    rendered(operator, n=1, b=True).execute(context)
    assert hook.read_object(name) == sent


def test_a_path_with_a_template_in_it_is_refused_in_every_operator(hook, name, context, expires):
    path = Path("/data/{{ run_id }}/a")
    for task in (
        TaskclusterUploadObjectOperator(**CONNECTION, name=name, source=path, expires=expires),
        TaskclusterDownloadObjectOperator(**CONNECTION, name=name, destination=path),
        TaskclusterDownloadArtifactOperator(
            **CONNECTION, taskcluster_task_id="fN1SbArXTPSVFNUvaOlinQ", name="public/a", destination=path
        ),
    ):
        with pytest.raises(AirflowFailException, match="is a Path, in which Airflow renders no template"):
            task.execute(context)


def test_connections_and_verification_reach_the_engine(hook, name, expires, run, context, tmp_path, monkeypatch):
    seen = {}

    def download(kind):
        def method(_self, *_args, **options):
            seen[kind] = options
            return SimpleNamespace(size=0, verified="none", as_dict=dict)

        return method

    monkeypatch.setattr(type(hook), "download_object", download("object"))
    monkeypatch.setattr(type(hook), "download_artifact", download("artifact"))
    TaskclusterDownloadObjectOperator(**CONNECTION, name=name, destination="x", connections=3).execute(context)
    TaskclusterDownloadArtifactOperator(
        **CONNECTION,
        taskcluster_task_id=run.task_id,
        name="public/a",
        destination="x",
        verify="chain_of_trust",
        connections=5,
    ).execute(context)
    assert seen["object"]["connections"] == 3
    assert (seen["artifact"]["connections"], seen["artifact"]["verify"]) == (5, "chain_of_trust")

"""Downloads into and uploads from the file systems of Airflow's ObjectStoragePath."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, ObjectStoragePath
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_taskcluster.emulator.store.faults import Corrupt, Cut
from airflow_provider_taskcluster.exceptions import HashMismatch, InvalidInput, Truncated
from airflow_provider_taskcluster.operators.artifacts import TaskclusterDownloadArtifactOperator
from airflow_provider_taskcluster.operators.objects import (
    TaskclusterDownloadObjectOperator,
    TaskclusterUploadObjectOperator,
)

try:
    from airflow.sdk.io import attach
except ImportError:  # Airflow 2
    from airflow.io.store import attach

DATA = os.urandom(300_000)
CONNECTION = {"task_id": "task", "taskcluster_conn_id": "tc_test"}


@pytest.fixture
def context():
    return {"dag_run": SimpleNamespace(start_date=datetime.now(UTC))}


@pytest.fixture
def bucket():
    """URL of an empty folder in a storage behind a connection."""
    conn_id = f"storage_{secrets.token_hex(4)}"
    attach("memory", conn_id=conn_id, fs=MemoryFileSystem(skip_instance_cache=True))
    return f"memory://{conn_id}@/{secrets.token_hex(4)}"


def found(bucket):
    """Names and contents of all that is under a URL."""
    folder = ObjectStoragePath(bucket)
    paths = folder.fs.find(folder.path)
    return {path.removeprefix(f"{folder.path}/"): folder.fs.cat_file(path) for path in paths}


def test_a_url_and_a_path_are_the_same_destination_and_source(hook, bucket, name, expires):
    url = f"{bucket}/a folder/[file]* #%25"
    hook.upload_object(DATA, name, expires=expires)
    result = hook.download_object(name, url)
    assert (result.destination, result.verified) == (url, "sha256+sha512")
    assert found(bucket) == {"a folder/[file]* #%25": DATA}
    assert hook.upload_object(url, f"{name}-1", expires=expires).digests == result.digests
    assert hook.upload_object(ObjectStoragePath(url), f"{name}-2", expires=expires).digests == result.digests
    hook.download_object(f"{name}-2", ObjectStoragePath(f"{bucket}/again"))
    assert found(bucket)["again"] == DATA


def test_a_file_url_is_the_path_it_names(hook, name, expires, tmp_path):
    (tmp_path / "source").write_bytes(DATA)
    hook.upload_object(f"file://{tmp_path}/source", name, expires=expires)
    result = hook.download_object(name, f"file://{tmp_path}/new/copy")
    assert result.destination == str(tmp_path / "new" / "copy")
    assert (tmp_path / "new" / "copy").read_bytes() == DATA


def test_an_object_in_parts_goes_up_from_and_down_to_a_storage(hook, bucket, name, expires):
    ObjectStoragePath(f"{bucket}/source").fs.pipe_file(ObjectStoragePath(f"{bucket}/source").path, DATA)
    up = hook.upload_object(
        f"{bucket}/source", name, expires=expires, multipart="always", part_size=100_000, connections=1
    )
    assert up.method == "multipart"
    hook.download_object(name, f"{bucket}/copy")
    assert found(bucket) == {"source": DATA, "copy": DATA}


def test_a_download_that_is_cut_goes_on_in_the_same_file(hook, bucket, name, expires, tc):
    hook.upload_object(DATA, name, expires=expires)
    tc.faults.add(Cut(100_000), method="GET")
    result = hook.download_object(name, f"{bucket}/file")
    assert result.attempts == 2
    assert found(bucket) == {"file": DATA}


@pytest.mark.parametrize("old", [None, b"what was there"])
def test_bytes_that_do_not_match_never_appear(hook, bucket, name, expires, tc, old):
    hook.upload_object(DATA, name, expires=expires)
    place = ObjectStoragePath(f"{bucket}/file")
    if old:
        place.fs.pipe_file(place.path, old)
    tc.faults.add(Corrupt(), method="GET")
    with pytest.raises(HashMismatch):
        hook.download_object(name, place)
    assert found(bucket) == ({"file": old} if old else {})


def test_a_download_that_fails_leaves_nothing(connect, bucket, name, expires, tc):
    hook = connect(extra={"max_retries": 0})
    hook.upload_object(DATA, name, expires=expires)
    tc.faults.add(Cut(100_000), method="GET")
    with pytest.raises(Truncated):
        hook.download_object(name, f"{bucket}/file")
    assert found(bucket) == {}


@pytest.mark.parametrize("kind", [str, ObjectStoragePath])
def test_operators_take_urls_and_paths(hook, bucket, name, context, run, kind):
    run.add("public/file", DATA)
    artifact = TaskclusterDownloadArtifactOperator(
        **CONNECTION, taskcluster_task_id=run.task_id, name="public/file", destination=kind(f"{bucket}/artifact")
    ).execute(context)
    TaskclusterUploadObjectOperator(
        **CONNECTION, source=kind(artifact["destination"]), name=name, expires=timedelta(days=1)
    ).execute(context)
    down = TaskclusterDownloadObjectOperator(**CONNECTION, name=name, destination=kind(f"{bucket}/object")).execute(
        context
    )
    assert down["destination"] == f"{bucket}/object"
    assert found(bucket) == {"artifact": DATA, "object": DATA}


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nowhere://bucket/key", "nowhere"),
        ("memory:///bucket/folder/", "is a folder: name a file"),
    ],
)
def test_a_url_that_cannot_work_is_refused_before_anything_is_sent(hook, name, tc, url, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        hook.download_object(name, url)
    assert len(tc.journal) == 0


def test_a_missing_source_fails_the_task_at_once(hook, bucket, name, context):
    with pytest.raises(AirflowFailException, match=r"There is no file 'memory://.*/absent' to upload"):
        TaskclusterUploadObjectOperator(
            **CONNECTION, source=f"{bucket}/absent", name=name, expires=timedelta(days=1)
        ).execute(context)

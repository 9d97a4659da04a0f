"""Downloads into and uploads from the file systems of Airflow's ObjectStoragePath."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, ObjectStoragePath
from s3fs import S3FileSystem

from airflow_provider_taskcluster.emulator.store.faults import Corrupt, Cut, Ignore
from airflow_provider_taskcluster.exceptions import DestinationError, HashMismatch, InvalidInput, Truncated
from airflow_provider_taskcluster.operators.artifacts import TaskclusterDownloadArtifactOperator
from airflow_provider_taskcluster.operators.objects import (
    TaskclusterDownloadObjectOperator,
    TaskclusterUploadObjectOperator,
)
from airflow_provider_taskcluster.transfer.config import MIB
from airflow_provider_taskcluster.transfer.upload.recorder import PREFIX, UploadRecord, recorder_for, save

try:
    from airflow.sdk.io import attach
except ImportError:  # Airflow 2
    from airflow.io.store import attach

DATA = os.urandom(300_000)
CONNECTION = {"task_id": "task", "taskcluster_conn_id": "tc_test"}


@pytest.fixture
def context():
    return {"dag_run": SimpleNamespace(start_date=datetime.now(UTC))}


def found(bucket):
    """Names and contents of all that is under a URL."""
    folder = ObjectStoragePath(bucket)
    folder.fs.invalidate_cache()
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


@pytest.mark.parametrize("size", [0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 20 * MIB])
def test_objects_of_a_block_and_more_and_less(hook, bucket, name, expires, size):
    data = os.urandom(size)
    hook.upload_object(data, name, expires=expires)
    hook.download_object(name, f"{bucket}/file")
    assert found(bucket) == {"file": data}
    hook.upload_object(f"{bucket}/file", f"{name}-back", expires=expires)
    assert hook.read_object(f"{name}-back") == data


def test_blocks_that_were_sent_before_a_failure_leave_nothing(connect, bucket, name, expires, tc):
    hook = connect(extra={"max_retries": 0})
    hook.upload_object(os.urandom(20 * MIB), name, expires=expires)
    tc.faults.add(Cut(18 * MIB), method="GET")
    with pytest.raises(Truncated):
        hook.download_object(name, f"{bucket}/file")
    assert found(bucket) == {}


def test_a_download_that_begins_anew_leaves_one_file(hook, bucket, name, expires, tc):
    data = os.urandom(20 * MIB)
    hook.upload_object(data, name, expires=expires)
    tc.faults.add(Cut(18 * MIB), method="GET")
    tc.faults.add(Ignore("Range"), method="GET", nth=2)
    hook.download_object(name, f"{bucket}/file")
    assert found(bucket) == {"file": data}


def test_two_at_once_to_one_place_end_with_one_of_them(hook, bucket, name, expires):
    contents = [os.urandom(9 * MIB), os.urandom(9 * MIB)]
    for number, data in enumerate(contents):
        hook.upload_object(data, f"{name}-{number}", expires=expires)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda number: hook.download_object(f"{name}-{number}", f"{bucket}/file"), range(2)))
    assert list(found(bucket)) == ["file"]
    assert found(bucket)["file"] in contents


def test_an_s3_that_refuses_is_one_sentence(hook, s3, name, expires):
    attach("s3", conn_id="storage_wrong", fs=s3)
    hook.upload_object(DATA, name, expires=expires)
    with pytest.raises(DestinationError, match=r"^Cannot write s3://storage_wrong@no-such-bucket/key: .*bucket"):
        hook.download_object(name, "s3://storage_wrong@no-such-bucket/key")
    with pytest.raises(InvalidInput, match="There is no file 's3://storage_wrong@no-such-bucket/key' to upload"):
        hook.upload_object("s3://storage_wrong@no-such-bucket/key", name, expires=expires)


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
    with pytest.raises(AirflowFailException, match=r"There is no file '.*/absent' to upload"):
        TaskclusterUploadObjectOperator(
            **CONNECTION, source=f"{bucket}/absent", name=name, expires=timedelta(days=1)
        ).execute(context)


def test_a_record_that_another_process_wrote_is_found(bucket, s3):
    """A file system keeps what it listed, and a recorder lists the folder when it sweeps."""
    folder = ObjectStoragePath(bucket) / "records"
    recorder = recorder_for(folder)
    later = int((datetime.now(UTC) + timedelta(hours=1)).timestamp() * 1000)
    save(recorder, UploadRecord("https://tc.example.com", "project", "a", later, 1, "ab" * 32, key="k"))
    if isinstance(folder.fs, S3FileSystem):
        endpoint = {"endpoint_url": s3.endpoint_url, "client_kwargs": s3.client_kwargs}
        other = S3FileSystem(key="k", secret="s", skip_instance_cache=True, **endpoint)
    else:
        other = folder.fs
    other.pipe_file(f"{folder.path}/{PREFIX}theirs.json", b'{"version": 1}')
    assert recorder.load(f"{PREFIX}theirs") == {"version": 1}

"""Arguments for paths accept URLs of local files, storages and Taskcluster, or fail early with the reason."""

from __future__ import annotations

import io
import os
import zipfile
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, ObjectStoragePath
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_taskcluster.exceptions import Conflict, InvalidInput
from airflow_provider_taskcluster.operators.artifacts import TaskclusterDownloadArtifactOperator
from airflow_provider_taskcluster.operators.objects import (
    TaskclusterDownloadObjectOperator,
    TaskclusterUploadObjectOperator,
)
from airflow_provider_taskcluster.operators.payloads import TaskclusterDownloadPayloadOperator

try:
    from airflow.sdk.io import attach
except ImportError:  # Airflow 2
    from airflow.io.store import attach

DATA = os.urandom(100_000)
CONNECTION = {"task_id": "task", "taskcluster_conn_id": "tc_test"}
KINDS = pytest.mark.parametrize("kind", [str, ObjectStoragePath], ids=["url", "path"])


@pytest.fixture
def storage(tmp_path):
    attach("memory", conn_id="storage_urls", fs=MemoryFileSystem(skip_instance_cache=True))
    return f"memory://storage_urls@/{tmp_path.name}"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder that is the current one: a URL that is taken for a path leaves something in it."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    yield tmp_path / "here"
    assert not list((tmp_path / "here").iterdir())


@pytest.fixture
def published(run):
    run.add("public/build/a", DATA)
    run.add("public/build/b/c.txt", b"text", storage_type="s3", gzipped=True)
    return f"taskcluster://tc_test@artifacts/{run.task_id}/latest/public/build"


@KINDS
def test_a_payload_of_the_hook_goes_to_a_url_as_that_of_the_operator(hook, run, published, storage, here, kind):
    hook.open_payload(run.task_id).download(kind(f"{storage}/payload"))
    folder = ObjectStoragePath(f"{storage}/payload")
    assert folder.fs.cat_file(f"{folder.path}/public/build/a") == DATA
    hook.open_payload(run.task_id).download(kind(f"file://{here.parent}/payload"))
    assert (here.parent / "payload/public/build/a").read_bytes() == DATA


@KINDS
@pytest.mark.parametrize("place", ["objects/builds", "artifacts/fN1SbArXTPSVFNUvaOlinQ/0/public"])
def test_a_payload_to_taskcluster_is_refused_before_anything_is_fetched(tc, hook, run, published, here, place, kind):
    destination = kind(f"taskcluster://tc_test@{place}")
    with tc.journal.recording() as seen:
        download = TaskclusterDownloadPayloadOperator(
            **CONNECTION, taskcluster_task_id=run.task_id, destination=destination
        )
        with pytest.raises(AirflowFailException, match=r"neither listed nor replaced: pass a folder of this machine"):
            download.execute({})
    assert not seen.entries(origin="store")


@KINDS
def test_records_in_taskcluster_are_refused_before_anything_is_sent(tc, hook, name, expires, kind):
    recorder = kind("taskcluster://tc_test@objects/records")
    with tc.journal.recording() as seen, pytest.raises(InvalidInput, match="records are replaced and deleted"):
        hook.upload_object(DATA, name, expires=expires, recorder=recorder)
    assert not seen.entries()


@pytest.mark.parametrize("where", ["file", "memory"])
def test_records_go_to_a_url(connect, storage, name, expires, here, where):
    hook = connect(extra={"project_id": "tests", "max_retries": 0})
    recorder = f"file://{here.parent}/records" if where == "file" else f"{storage}/records"
    hook.upload_object(DATA, name, expires=expires, recorder=recorder, multipart="always", part_size=65_536)
    assert hook.read_object(name) == DATA


@KINDS
def test_a_folder_of_artifacts_becomes_objects(hook, published, name, expires, kind):
    hook.upload_folder(kind(published), f"{name}/", expires=expires)
    assert hook.read_object(f"{name}/a") == DATA
    assert hook.read_object(f"{name}/b/c.txt") == b"text"


@KINDS
def test_a_folder_of_objects_is_refused_since_nobody_can_list_it(hook, name, expires, kind):
    with pytest.raises(InvalidInput, match=r"has no list of its objects|no folder"):
        hook.upload_folder(kind("taskcluster://tc_test@objects"), name, expires=expires)


@KINDS
def test_an_artifact_becomes_an_object_and_that_another(hook, published, name, kind):
    upload = TaskclusterUploadObjectOperator(
        **CONNECTION, source=kind(f"{published}/b/c.txt"), name=name, expires=timedelta(days=1)
    )
    upload.execute({"dag_run": SimpleNamespace(start_date=datetime.now(UTC))})
    copy = f"taskcluster://tc_test@objects/{name}-copy"
    TaskclusterDownloadObjectOperator(**CONNECTION, name=name, destination=kind(copy)).execute({})
    assert hook.read_object(f"{name}-copy") == b"text"
    hook.upload_object(b"other", f"{name}-other", expires=datetime.now(UTC) + timedelta(days=1))
    with pytest.raises(Conflict):
        hook.download_object(f"{name}-other", kind(copy))


@KINDS
def test_a_download_to_an_artifact_is_refused_before_anything_is_fetched(tc, hook, run, published, kind):
    download = TaskclusterDownloadArtifactOperator(
        **CONNECTION, taskcluster_task_id=run.task_id, name="public/build/a", destination=kind(f"{published}/new")
    )
    with tc.journal.recording() as seen, pytest.raises(AirflowFailException, match="only objects can"):
        download.execute({})
    assert not seen.entries()


@pytest.mark.parametrize("where", ["destination", "extract_to"])
def test_archives_are_of_this_machine(tc, hook, run, storage, here, where):
    places = {"destination": f"{here.parent}/a.zip", "extract_to": f"{here.parent}/a"}
    for url in (f"{storage}/a", "taskcluster://tc_test@objects/a"):
        arguments = {**CONNECTION, "taskcluster_task_id": run.task_id, "name": "a", **places}
        with pytest.raises(InvalidInput, match=f"{where} is .*paths of this machine"):
            TaskclusterDownloadArtifactOperator(**{**arguments, where: url})
        download = TaskclusterDownloadArtifactOperator(**{**arguments, where: "{{ params.where }}"})
        setattr(download, where, url)  # as when it is rendered
        with tc.journal.recording() as seen, pytest.raises(AirflowFailException, match=f"{where} is .*paths of this"):
            download.execute({})
        assert not seen.entries()
        with pytest.raises(InvalidInput, match="paths of this machine"):
            hook.extract_archive(url, "folder")
        with pytest.raises(InvalidInput, match="paths of this machine"):
            hook.extract_archive("a.zip", url)


def test_archives_are_extracted_from_and_to_file_urls(run, here, hook):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a", "1")
    run.add("public/a.zip", packed.getvalue())
    where = f"file://{here.parent}"
    TaskclusterDownloadArtifactOperator(
        **CONNECTION,
        taskcluster_task_id=run.task_id,
        name="public/a.zip",
        destination=f"{where}/a.zip",
        extract_to=f"{where}/first",
    ).execute({})
    hook.extract_archive(ObjectStoragePath(f"{where}/a.zip"), f"{where}/second")
    assert [(here.parent / folder / "a").read_text() for folder in ("first", "second")] == ["1", "1"]


def test_a_file_system_that_airflow_does_not_know_is_refused_with_what_to_do(hook, name):
    with pytest.raises(InvalidInput, match=r"Cannot use .*: install the provider of this storage"):
        hook.download_object(name, "memory:///a/b")

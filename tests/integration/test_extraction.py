"""Downloads of archives that are extracted."""

from __future__ import annotations

import io
import json
import sys
import tarfile
import zipfile

import pytest
import zstandard
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_taskcluster.exceptions import ArchiveRefused, Interrupted, InvalidInput, TooLarge
from airflow_provider_taskcluster.operators import payloads
from airflow_provider_taskcluster.operators.artifacts import TaskclusterDownloadArtifactOperator
from airflow_provider_taskcluster.operators.objects import TaskclusterDownloadObjectOperator
from airflow_provider_taskcluster.operators.payloads import TaskclusterDownloadPayloadOperator
from airflow_provider_taskcluster.transfer.archive.extraction_limits import ExtractionLimits

CONNECTION = {"task_id": "task", "taskcluster_conn_id": "tc_test"}


def packed(**files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content)
    return data.getvalue()


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(packed(a="1", b__c="23"))
    return path


def test_an_artifact_and_an_object_are_extracted_after_they_were_verified(hook, name, expires, run, tmp_path):
    run.add("public/a.zip", packed(a="1", b__c="23"))
    hook.upload_object(packed(a="1", b__c="23"), name, expires=expires)
    down = [
        TaskclusterDownloadArtifactOperator(
            **CONNECTION,
            taskcluster_task_id=run.task_id,
            name="public/a.zip",
            destination=str(tmp_path / "1.zip"),
            extract_to=str(tmp_path / "1"),
        ),
        TaskclusterDownloadObjectOperator(
            **CONNECTION, name=name, destination=str(tmp_path / "2.zip"), extract_to=str(tmp_path / "2")
        ),
    ]
    for number, operator in enumerate(down, start=1):
        for _ in range(2):  # a retry does no harm
            told = operator.execute({})
        assert told["extracted"] == {"folder": str(tmp_path / str(number)), "files": 2, "size": 3}
        assert (tmp_path / str(number) / "b" / "c").read_text() == "23"
        assert json.loads(json.dumps(told)) == told


def test_an_empty_folder_to_extract_into_means_none_to_operators_and_is_refused_by_the_hook(
    hook, name, expires, tmp_path, monkeypatch
):
    worker = tmp_path / "worker"
    worker.mkdir()
    monkeypatch.chdir(worker)
    hook.upload_object(packed(a="1"), name, expires=expires)
    archive = str(tmp_path / "a.zip")
    download = TaskclusterDownloadObjectOperator(**CONNECTION, name=name, destination=archive, extract_to="")
    assert "extracted" not in download.execute({})
    with pytest.raises(InvalidInput, match="folder is ''"):
        hook.extract_archive(archive, "")
    assert not list(worker.iterdir())


def test_the_archives_of_a_payload_are_extracted_each_into_a_folder_of_its_name(hook, run, tmp_path):
    run.add("public/build/a.zip", packed(a="1", b__c="23"))
    run.add("public/build/b.zip", packed(a="4"))
    run.add("public/build/log.txt", b"text")
    run.complete()
    download = TaskclusterDownloadPayloadOperator(
        **CONNECTION,
        taskcluster_task_id=run.task_id,
        destination=str(tmp_path / "files"),
        extract_to=str(tmp_path / "in"),
    )
    for _ in range(2):
        told = download.execute({})
        assert told["extracted"] == {"folder": str(tmp_path / "in"), "archives": 2, "files": 3, "size": 4}
    assert (tmp_path / "in" / "public" / "build" / "a.zip" / "b" / "c").read_text() == "23"
    assert (tmp_path / "in" / "public" / "build" / "b.zip" / "a").read_text() == "4"


def test_the_archives_of_a_payload_share_the_limits(hook, run, tmp_path, monkeypatch):
    for name in ("a.zip", "b.zip"):
        run.add(name, packed(a="123"))
    run.complete()
    monkeypatch.setattr(payloads, "ExtractionLimits", lambda: ExtractionLimits(max_bytes=5))
    with pytest.raises(AirflowFailException, match=r"b.zip holds more than 2 bytes"):
        TaskclusterDownloadPayloadOperator(
            **CONNECTION,
            taskcluster_task_id=run.task_id,
            destination=str(tmp_path / "files"),
            extract_to=str(tmp_path / "in"),
        ).execute({})


def test_a_hostile_archive_fails_the_task_at_once(hook, name, expires, tmp_path):
    hook.upload_object(packed(**{"..__evil": "1"}), name, expires=expires)
    with pytest.raises(AirflowFailException, match=r"'../evil' in the archive is not a name inside a folder"):
        TaskclusterDownloadObjectOperator(
            **CONNECTION, name=name, destination=str(tmp_path / "a.zip"), extract_to=str(tmp_path / "in")
        ).execute({})
    assert not list((tmp_path / "in").iterdir())


@pytest.mark.parametrize(
    "change", [{"destination": "s3://bucket/a.zip"}, {"extract_to": "s3://bucket/folder"}], ids=str
)
def test_a_storage_is_no_place_to_extract_and_nothing_is_downloaded(hook, name, tc, tmp_path, change):
    arguments = {"destination": str(tmp_path / "a.zip"), "extract_to": str(tmp_path / "in")}
    with pytest.raises(InvalidInput, match="from and to paths of this machine"):
        TaskclusterDownloadObjectOperator(**CONNECTION, name=name, **arguments | change)
    templates = dict.fromkeys(change, "{{ params.where }}")
    download = TaskclusterDownloadObjectOperator(**CONNECTION, name=name, **arguments | templates)
    vars(download).update(change)  # as when it is rendered
    with pytest.raises(AirflowFailException, match="from and to paths of this machine"):
        download.execute({})
    assert len(tc.journal) == 0


def test_the_limits_of_the_hook(hook, archive, tmp_path):
    assert hook.extract_archive(archive, tmp_path / "in", max_bytes=3, max_files=3).size == 3
    with pytest.raises(TooLarge, match="raise max_bytes"):
        hook.extract_archive(archive, tmp_path / "in", max_bytes=2)
    with pytest.raises(TooLarge, match="raise max_files"):
        hook.extract_archive(archive, tmp_path / "in", max_files=2)
    with pytest.raises(InvalidInput, match="max_files"):
        hook.extract_archive(archive, tmp_path / "in", max_files="many")


def test_it_ends_when_the_hook_is_told_to_stop(hook, archive, tmp_path):
    hook.ping()
    _ = hook._store
    hook.stop()
    with pytest.raises(Interrupted):
        hook.extract_archive(archive, tmp_path / "in")
    assert not list((tmp_path / "in").iterdir())


def test_what_is_no_archive_is_refused(hook, tmp_path):
    (tmp_path / "a.zip").write_text("<html>")
    with pytest.raises(ArchiveRefused, match="cannot be extracted"):
        hook.extract_archive(tmp_path / "a.zip", tmp_path / "in")


@pytest.fixture
def without_zstd(monkeypatch):
    for module in ("zstandard", "compression", "compression.zstd"):
        monkeypatch.setitem(sys.modules, module, None)


def tar_zst():
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return zstandard.ZstdCompressor().compress(data.getvalue())


def test_a_tar_zst_is_extracted_as_all_archives(hook, run, tmp_path):
    run.add("public/build/a.tar.zst", tar_zst())
    run.complete()
    told = TaskclusterDownloadPayloadOperator(
        **CONNECTION,
        taskcluster_task_id=run.task_id,
        destination=str(tmp_path / "files"),
        extract_to=str(tmp_path / "in"),
    ).execute({})
    assert told["extracted"]["archives"] == 1
    assert (tmp_path / "in" / "public" / "build" / "a.tar.zst" / "a").is_file()


@pytest.mark.parametrize("names", [("public/a.tar.zst", "a"), ("public/a", "a.tzst")])
def test_without_zstd_nothing_is_downloaded(hook, run, tc, tmp_path, without_zstd, names):
    name, destination = names
    run.add(name, tar_zst())
    before = len(tc.journal)
    with pytest.raises(AirflowFailException, match=r"zstd is not supported by this Python: install .*\[zstd\]"):
        TaskclusterDownloadArtifactOperator(
            **CONNECTION,
            taskcluster_task_id=run.task_id,
            name=name,
            destination=str(tmp_path / destination),
            extract_to=str(tmp_path / "in"),
        ).execute({})
    assert len(tc.journal) == before
    assert not list(tmp_path.iterdir())


def test_without_zstd_no_payload_with_such_a_file_is_downloaded(hook, run, tmp_path, without_zstd):
    run.add("public/build/a.tar.zst", tar_zst())
    run.add("public/build/b.zip", packed(a="4"))
    run.complete()
    arguments = {
        "taskcluster_task_id": run.task_id,
        "destination": str(tmp_path / "files"),
        "extract_to": str(tmp_path / "in"),
    }
    with pytest.raises(
        AirflowFailException, match=r"'public/build/a.tar.zst' cannot be extracted: zstd is not supported"
    ):
        TaskclusterDownloadPayloadOperator(**CONNECTION, **arguments).execute({})
    assert not list(tmp_path.iterdir())
    TaskclusterDownloadPayloadOperator(**CONNECTION, **arguments, exclude="*.zst").execute({})
    assert (tmp_path / "in" / "public" / "build" / "b.zip" / "a").is_file()


def test_without_zstd_an_archive_of_it_is_refused_by_its_bytes(hook, tmp_path, without_zstd):
    (tmp_path / "a").write_bytes(tar_zst())
    with pytest.raises(ArchiveRefused, match=r"/a' cannot be extracted: zstd is not supported"):
        hook.extract_archive(tmp_path / "a", tmp_path / "in")
    assert not list((tmp_path / "in").iterdir())

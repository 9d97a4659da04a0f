"""``durable`` of a connection applies to all that writes local files."""

from __future__ import annotations

import os
import tarfile

import pytest

from airflow_provider_taskcluster.transfer.archive import extract as extraction

DATA = os.urandom(100_000)


@pytest.fixture
def synced(monkeypatch):
    """Count the calls that sync files."""
    calls = []

    def watch(owner, name):
        plain = getattr(owner, name)

        def watched(file):
            calls.append(name)
            plain(file)

        monkeypatch.setattr(owner, name, watched)

    for name in ("fdatasync", "fsync"):
        watch(os, name)
    watch(extraction, "sync_file_system")
    return calls


def download_object(hook, run, folder):
    hook.download_object("tests/durable", folder / "file")


def download_artifact(hook, run, folder):
    hook.download_artifact(run.task_id, "public/a", folder / "file")


def download_to_a_url(hook, run, folder):
    hook.download_artifact(run.task_id, "public/a", f"file://{folder}/file")


def download_payload(hook, run, folder):
    hook.open_payload(run.task_id).download(folder / "payload")


def download_payload_to_a_url(hook, run, folder):
    hook.open_payload(run.task_id).download(f"file://{folder}/payload")


def extract(hook, run, folder):
    with tarfile.open(folder.parent / "archive.tar", "w") as archive:
        archive.add(__file__, "file")
    hook.extract_archive(folder.parent / "archive.tar", folder / "extracted")


def get(hook, run, folder):
    from airflow_provider_taskcluster.fs.filesystem import TaskclusterFileSystem

    fs = TaskclusterFileSystem(hook.taskcluster_conn_id, skip_instance_cache=True)
    try:
        fs.get(f"artifacts/{run.task_id}/latest/public", f"{folder}/got", recursive=True)
    finally:
        fs.hook.close()


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize(
    "use",
    [download_object, download_artifact, download_to_a_url, download_payload, download_payload_to_a_url, extract, get],
)
def test_files_are_synced_unless_the_connection_says_otherwise(connect, run, tmp_path, expires, synced, use, durable):
    (tmp_path / "folder").mkdir()
    run.add("public/a", DATA, storage_type="s3")
    hook = connect(extra={} if durable else {"durable": False})
    if use is download_object:
        hook.upload_object(DATA, "tests/durable", expires=expires)
    synced.clear()
    use(hook, run, tmp_path / "folder")
    assert any(path.is_file() for path in (tmp_path / "folder").rglob("*"))
    assert bool(synced) is durable

"""Downloads of payloads into a storage, such as a bucket, without a local copy."""

from __future__ import annotations

import json
import os

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, ObjectStoragePath

from airflow_provider_taskcluster.emulator.store.faults import Corrupt
from airflow_provider_taskcluster.exceptions import DestinationError, Interrupted, StoreError
from airflow_provider_taskcluster.operators.payloads import TaskclusterDownloadPayloadOperator
from airflow_provider_taskcluster.transfer.payload import storage
from airflow_provider_taskcluster.transfer.payload.manifest import JOURNAL, PayloadManifest

try:
    from airflow.sdk.io import attach
except ImportError:  # Airflow 2
    from airflow.io.store import attach

CONTENTS = {
    "public/build/target.zip": os.urandom(200_000),
    "public/build/empty": b"",
    "public/a b/(odd) #1.txt": b"odd",
    "public/report.json": b"{}",
}
MANIFEST = "taskcluster-payload.json"


@pytest.fixture
def stored(run):
    for name, data in CONTENTS.items():
        run.add(name, data, storage_type="s3")
    return run


@pytest.fixture
def download(hook):
    def execute(run, bucket, **arguments):
        return TaskclusterDownloadPayloadOperator(
            task_id="task",
            taskcluster_conn_id="tc_test",
            taskcluster_task_id=run.task_id,
            destination=bucket,
            **arguments,
        ).execute({})

    return execute


def there(bucket):
    folder = ObjectStoragePath(bucket)
    folder.fs.invalidate_cache()
    found = {path.removeprefix(f"{folder.path}/"): folder.fs.cat_file(path) for path in folder.fs.find(folder.path)}
    return {name: data for name, data in found.items() if name != MANIFEST}


def gets(tc):
    return len(tc.journal.entries(origin="store", method="GET"))


@pytest.mark.parametrize("kind", [str, ObjectStoragePath, lambda url: f"{url}/"], ids=["url", "path", "slash"])
def test_files_go_there_with_a_manifest(download, stored, bucket, tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    summary = download(stored, kind(bucket))
    assert there(bucket) == CONTENTS
    assert summary["folder"] == bucket
    manifest = json.loads(ObjectStoragePath(summary["manifest"]).read_bytes())
    for entry in manifest["files"]:
        assert entry["path"] == f"{bucket}/{entry['name']}"
    assert not list(tmp_path.iterdir())


def test_a_second_run_transfers_nothing_and_reads_nothing(download, stored, bucket, tc, monkeypatch):
    download(stored, bucket)
    tc.journal.clear()
    opened = []
    digests = storage.StorageDestination._digests
    monkeypatch.setattr(storage.StorageDestination, "_digests", lambda *args: opened.append(args) or digests(*args))
    assert download(stored, bucket)["already_present"] == 4
    assert gets(tc) == 0
    assert not opened, "the storage's own tags tell"


def test_what_somebody_else_writes_meanwhile_does_not_count_as_verified(connect, stored, bucket, monkeypatch):
    fs, url = ObjectStoragePath(bucket).fs, f"{bucket}/public/build/target.zip"
    added = PayloadManifest.add

    def add(manifest, file):
        added(manifest, file)
        if file.path == url:
            fs.pipe_file(ObjectStoragePath(url).path, bytes(200_000))

    monkeypatch.setattr(PayloadManifest, "add", add)
    payload = connect().open_payload(stored.task_id)
    payload.download(ObjectStoragePath(bucket))
    assert there(bucket)["public/build/target.zip"] == bytes(200_000)
    monkeypatch.undo()
    assert payload.download(ObjectStoragePath(bucket)).transferred == {"public/build/target.zip"}
    assert there(bucket) == CONTENTS


def test_a_second_run_transfers_what_is_missing_or_differs(download, stored, bucket, tc):
    download(stored, bucket)
    fs = ObjectStoragePath(bucket).fs
    paths = {name: ObjectStoragePath(bucket).path + f"/{name}" for name in CONTENTS}
    fs.rm_file(paths["public/report.json"])
    fs.pipe_file(paths["public/build/target.zip"], bytes(200_000))
    fs.pipe_file(paths["public/a b/(odd) #1.txt"], b"odd")  # written again, with the same content
    tc.journal.clear()
    summary = download(stored, bucket)
    assert (summary["transferred"], summary["already_present"]) == (2, 2)
    assert there(bucket) == CONTENTS


def test_objects_that_are_there_are_known_by_their_digests(download, run, bucket, tc):
    run.add("public/a", b"content")
    run.add("public/b", b"content")
    folder = ObjectStoragePath(bucket)
    for name, data in (("a", b"content"), ("b", b"another")):
        if folder.protocol == "memory":
            folder.fs.makedirs(f"{folder.path}/public", exist_ok=True)
        folder.fs.pipe_file(f"{folder.path}/public/{name}", data)
    tc.journal.clear()
    summary = download(run, bucket)
    assert (summary["transferred"], summary["already_present"]) == (1, 1)
    assert there(bucket) == {"public/a": b"content", "public/b": b"content"}


def test_what_is_there_is_refused_if_it_shall_not_be(download, stored, bucket, tc):
    download(stored, bucket, include="*.json")
    tc.journal.clear()
    with pytest.raises(AirflowFailException, match=r"'public/report\.json': a file of this name is there"):
        download(stored, bucket, if_exists="fail")
    assert gets(tc) == 0


def test_after_a_failure_what_was_stored_is_not_fetched_again(connect, stored, bucket, tc):
    hook = connect(extra={"max_retries": 0})
    stored.announce("public/never", storage_type="s3")
    with pytest.raises(StoreError):
        hook.open_payload(stored.task_id).download(ObjectStoragePath(bucket), files=1)
    names = set(there(bucket))
    assert JOURNAL in names
    tc.journal.clear()
    result = hook.open_payload(stored.task_id).download(ObjectStoragePath(bucket), on_error="continue")
    assert result.transferred == set(CONTENTS) - names
    assert there(bucket) == CONTENTS


def test_the_journal_is_written_now_and_then(connect, stored, bucket, monkeypatch):
    monkeypatch.setattr(storage, "WRITE_SECONDS", 0.0)
    monkeypatch.setattr(storage.StorageDestination, "flush", lambda _self: None)  # as after a kill
    monkeypatch.setattr(storage.StorageDestination, "write", _failing_manifest(storage.StorageDestination.write))
    hook = connect()
    with pytest.raises(Interrupted):
        hook.open_payload(stored.task_id).download(ObjectStoragePath(bucket))
    monkeypatch.undo()
    again = connect("tc_again").open_payload(stored.task_id)
    assert again.download(ObjectStoragePath(bucket)).transferred == frozenset()


def _failing_manifest(write):
    def failing(self, name, content):
        if name == MANIFEST:
            raise Interrupted("killed")
        write(self, name, content)

    return failing


def test_bytes_that_do_not_match_are_not_there(download, run, bucket, tc):
    run.add("public/a", os.urandom(100_000))
    tc.faults.add(Corrupt(), method="GET")
    assert download(run, bucket, on_error="continue")["errors"]["public/a"].startswith("HashMismatch")
    assert there(bucket) == {}


def test_hostile_names_stay_below_it(download, run, bucket):
    for name in ("/abs", "C:/x", "a\\..\\b", "good"):
        run.add(name, b"content", storage_type="s3")
    assert download(run, bucket, on_error="continue")["failed"] == 3
    assert there(bucket) == {"good": b"content"}


def test_a_file_url_is_the_folder_it_names(download, stored, tmp_path):
    summary = download(stored, f"file://{tmp_path}/folder")
    assert summary["folder"] == str(tmp_path / "folder")
    assert (tmp_path / "folder/public/build/target.zip").read_bytes() == CONTENTS["public/build/target.zip"]


def test_a_storage_that_cannot_be_used_is_one_sentence(download, stored, s3):
    attach("s3", conn_id="storage_none", fs=s3)
    with pytest.raises(DestinationError, match=r"^Cannot (use|write) s3://.*no-such-bucket"):
        download(stored, "s3://storage_none@no-such-bucket/folder")

"""Folders uploaded as objects under a prefix."""

from __future__ import annotations

import json
import os
import secrets
import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, ObjectStoragePath
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_taskcluster.emulator.store.faults import Status
from airflow_provider_taskcluster.exceptions import (
    Conflict,
    InsufficientScopes,
    Interrupted,
    InvalidInput,
    InvalidName,
    StoreError,
)
from airflow_provider_taskcluster.hooks.sync_services import EngineServices
from airflow_provider_taskcluster.operators.folders import TaskclusterUploadFolderOperator

try:
    from airflow.sdk.io import attach
except ImportError:  # Airflow 2
    from airflow.io.store import attach

FILES = {
    "index.html": b"<p>",
    "a/b/large": os.urandom(100_000),
    "a/b/empty": b"",
    "a/odd #%?+ name": b"odd",
    **{f"many/{number:02}": os.urandom(10_000) for number in range(20)},
}


@pytest.fixture
def folder(tmp_path):
    for name, content in FILES.items():
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "folder"


@pytest.fixture
def prefix(name):
    return f"{name}/"


def uploaded(hook, prefix):
    return {name: hook.read_object(prefix + name) for name in FILES}


@pytest.mark.parametrize("connections", [1, 4, 100])
def test_each_file_becomes_an_object_under_the_prefix(hook, folder, prefix, expires, connections):
    (folder / "nothing").mkdir()
    (folder / ".taskcluster-0123.part").write_text("of a download that is not complete")
    (folder / ".taskcluster-0123.extract" / "d").mkdir(parents=True)
    (folder / ".taskcluster-0123.extract" / "d" / "f").write_text("of an archive that is not complete")
    results = hook.upload_folder(folder, prefix, expires=expires, connections=connections)
    assert [result.name for result in results] == sorted(prefix + name for name in FILES)
    assert uploaded(hook, prefix) == FILES
    assert {result.content_type for result in results} == {"text/html", "application/octet-stream"}


def test_a_folder_of_a_storage_is_as_good(hook, folder, prefix, expires):
    conn_id = f"storage_{secrets.token_hex(4)}"
    storage = MemoryFileSystem(skip_instance_cache=True)
    attach("memory", conn_id=conn_id, fs=storage)
    for name, content in FILES.items():
        storage.pipe_file(f"/bucket/folder/{name}", content)
    storage.pipe_file("/bucket/folder2/not-this", b"")
    storage.pipe_file("/bucket/folder/.taskcluster-0123.extract/d/f", b"of an archive that is not complete")
    url = f"memory://{conn_id}@/bucket/folder"
    hook.upload_folder(f"{url}/", prefix, expires=expires)
    assert uploaded(hook, prefix) == FILES
    assert len(hook.upload_folder(ObjectStoragePath(url), prefix, expires=expires)) == len(FILES)
    hook.upload_folder(f"file://{folder}", prefix, expires=expires)
    with pytest.raises(InvalidInput, match="There is no file in the folder"):
        hook.upload_folder(f"{url}/absent", prefix, expires=expires)


def test_a_folder_of_artifacts_is_as_good(hook, run, prefix, expires):
    """On Airflow 2.11 its path begins with a slash, which the file system does not know."""
    for name, content in FILES.items():
        run.add(f"public/{name}", content)
    hook.upload_folder(f"taskcluster://tc_test@artifacts/{run.task_id}/latest/public", prefix, expires=expires)
    assert uploaded(hook, prefix) == FILES


def test_a_prefix_without_a_slash_is_the_same_folder(hook, folder, prefix, expires):
    hook.upload_folder(folder, prefix.rstrip("/"), expires=expires)
    assert uploaded(hook, prefix) == FILES
    again = hook.upload_folder(folder, prefix, expires=expires)
    assert all(result.already_present for result in again)
    with pytest.raises(InvalidName, match="prefix"):
        hook.upload_folder(folder, 7, expires=expires)


def test_objects_of_a_timedelta_end_together(hook, folder, prefix):
    hook.upload_folder(folder, prefix, expires=timedelta(days=2))
    ends = {datetime.fromisoformat(hook.object_metadata(prefix + name)["expires"]) for name in FILES}
    assert len(ends) == 1
    assert timedelta(days=1, hours=23) < ends.pop() - datetime.now(UTC) < timedelta(days=2)


def test_a_retry_sends_only_what_is_missing(connect, folder, prefix, expires, tc):
    hook = connect(extra={"max_retries": 0})
    tc.faults.add(Status(503), method="PUT", nth=10, times=1000)
    with pytest.raises(StoreError):
        hook.upload_folder(folder, prefix, expires=expires, connections=3)
    tc.faults.clear()
    tc.journal.clear()
    results = connect().upload_folder(folder, prefix, expires=expires, connections=3)
    there = sum(result.already_present for result in results)
    inline = sum(len(content) <= 8192 for content in FILES.values())
    assert there >= 9
    # one that the failure cut off may be noted as late as this
    sent = [entry for entry in tc.journal.entries(origin="store", method="PUT") if entry.status == 200]
    assert len(sent) == len(FILES) - there - inline + sum(
        result.already_present and result.size <= 8192 for result in results
    )
    assert uploaded(hook, prefix) == FILES


def test_files_go_side_by_side_and_no_more_than_allowed(hook, folder, prefix, expires, monkeypatch):
    at_once, most = set(), []
    create = EngineServices.create_upload

    def counted(self, *arguments):
        at_once.add(threading.get_ident())
        most.append(len(at_once))
        answer = create(self, *arguments)
        at_once.discard(threading.get_ident())
        return answer

    monkeypatch.setattr(EngineServices, "create_upload", counted)
    hook.upload_folder(folder, prefix, expires=expires, connections=3)
    assert 2 <= max(most) <= 3


def test_after_an_error_no_further_file_is_begun(hook, folder, prefix, expires, tc):
    hook.upload_object(b"other", f"{prefix}a/b/empty", expires=expires)
    tc.journal.clear()
    with pytest.raises(Conflict, match="exists with other content"):
        hook.upload_folder(folder, prefix, expires=expires, connections=2)
    assert len(tc.journal.entries(origin="store", method="PUT")) < 5


def test_it_ends_when_the_hook_is_told_to_stop(hook, folder, prefix, expires, monkeypatch):
    create = EngineServices.create_upload

    def stop_at_once(self, *arguments):
        hook.stop()
        return create(self, *arguments)

    monkeypatch.setattr(EngineServices, "create_upload", stop_at_once)
    with pytest.raises(Interrupted):
        hook.upload_folder(folder, prefix, expires=expires, connections=2)


@pytest.mark.parametrize("target", ["/etc/hostname", "..", "../outside", "absent", "loop"])
def test_a_link_that_leads_out_is_refused_and_nothing_is_sent(hook, folder, prefix, expires, tc, target):
    (folder.parent / "outside").write_text("secret")
    (folder / "a" / "loop").symlink_to(target)
    with pytest.raises(InvalidInput, match="loop' is no file of this folder"):
        hook.upload_folder(folder, prefix, expires=expires)
    assert len(tc.journal) == 0


def test_a_link_to_a_file_of_the_folder_is_that_file(hook, folder, prefix, expires):
    (folder / "latest").symlink_to("index.html")
    hook.upload_folder(folder, prefix, expires=expires)
    assert hook.read_object(f"{prefix}latest") == FILES["index.html"]


def test_a_pipe_is_refused_before_anybody_waits_for_it(hook, folder, prefix, expires):
    os.mkfifo(folder / "pipe")
    with pytest.raises(InvalidInput, match="pipe' is no file of this folder"):
        hook.upload_folder(folder, prefix, expires=expires)


@pytest.mark.parametrize("odd", ["ünï", "new\nline", "n" * 250])
def test_a_name_that_cannot_be_an_object_is_refused_before_anything_is_sent(hook, folder, prefix, expires, tc, odd):
    (folder / odd).touch()
    with pytest.raises(InvalidName):
        hook.upload_folder(folder, prefix + "p" * 900, expires=expires)
    assert len(tc.journal) == 0


@pytest.mark.parametrize("path", ["absent", "index.html", "nothing"])
def test_what_is_no_folder_with_files_is_refused(hook, folder, prefix, expires, path):
    (folder / "nothing").mkdir()
    with pytest.raises(InvalidInput, match=r"There is no (folder|file in the folder)"):
        hook.upload_folder(folder / path, prefix, expires=expires)


def test_a_missing_scope_is_named(holding, folder, prefix, expires):
    with pytest.raises(InsufficientScopes, match="object:upload:tests:"):
        holding(f"object:upload:tests:{prefix}a*").upload_folder(folder, prefix, expires=expires)


def test_two_at_once_both_succeed(hook, connect, folder, prefix, expires):
    done = []
    threads = [
        threading.Thread(target=lambda: done.append(connect().upload_folder(folder, prefix, expires=expires)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(results) for results in done] == [len(FILES)] * 2
    assert uploaded(hook, prefix) == FILES


def test_the_operator_tells_what_moved_in_few_words(hook, folder, prefix):
    for number in range(120):
        (folder / f"more{number}").touch()
    context = {"dag_run": SimpleNamespace(start_date=datetime.now(UTC))}
    upload = TaskclusterUploadFolderOperator(
        task_id="task",
        taskcluster_conn_id="tc_test",
        folder=str(folder),
        prefix=prefix.rstrip("/"),
        expires=timedelta(days=1),
    )
    told, again = upload.execute(context), upload.execute(context)
    assert (told["files"], told["already_present"], len(told["names"])) == (len(FILES) + 120, 0, 100)
    assert told["prefix"] == prefix
    assert again == {**told, "already_present": told["files"]}
    assert told["size"] == sum(map(len, FILES.values()))
    assert json.loads(json.dumps(told)) == told
    upload.folder = str(folder / "absent")
    with pytest.raises(AirflowFailException, match="There is no folder"):
        upload.execute(context)


def test_a_folder_without_a_name_is_not_the_one_that_the_worker_runs_in(hook, name, expires, tmp_path, monkeypatch, tc):
    (tmp_path / "secret").write_text("not to be published")
    monkeypatch.chdir(tmp_path)
    tc.journal.clear()
    with pytest.raises(InvalidInput, match="folder is ''"):
        hook.upload_folder("", f"{name}/", expires=expires)
    assert not tc.journal.entries(method="PUT")

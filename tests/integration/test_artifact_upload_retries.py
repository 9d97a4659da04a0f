"""Artifacts whose upload failed at some step, and is tried again."""

from __future__ import annotations

import functools
import json
import os
import subprocess

import pytest
from artifact_uploads import DATA, NAME, Died, as_task, dies, upload

from airflow_provider_taskcluster.exceptions import (
    Conflict,
    DestinationError,
    InsufficientScopes,
)
from airflow_provider_taskcluster.hooks.sync_services import EngineServices
from airflow_provider_taskcluster.transfer.upload.object import Uploader

__all__ = ["as_task", "upload"]

STEPS = [
    (Uploader, "upload"),
    (EngineServices, "create_upload"),
    (EngineServices, "finish_upload"),
    (EngineServices, "finish_artifact"),
]


@pytest.mark.parametrize(("owner", "step"), STEPS, ids=str)
def test_a_retry_goes_on_where_the_try_before_died(connect, upload, run, tmp_path, monkeypatch, owner, step):
    dies(monkeypatch, owner, step)
    with pytest.raises(Died):
        upload(connect(), recorder=str(tmp_path))
    assert len(list(tmp_path.iterdir())) == 1
    result = upload(connect(), recorder=str(tmp_path))
    assert result.already_present == (step == "finish_artifact")
    assert connect().read_artifact(run.task_id, NAME) == DATA
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("key", ["{", "7", "[" * 200_000], ids=["torn", "a number", "too deep"])
def test_an_upload_id_that_cannot_be_read_is_none(connect, upload, tmp_path, monkeypatch, key, no_waiting):
    dies(monkeypatch, Uploader, "upload")
    with pytest.raises(Died):
        upload(connect(), recorder=str(tmp_path))
    (record,) = tmp_path.iterdir()
    record.write_text(json.dumps({**json.loads(record.read_text()), "key": key}))
    with pytest.raises(Conflict, match="has left no upload id"):
        upload(connect(), recorder=str(tmp_path))


@pytest.fixture
def full_folder(tmp_path):
    """A folder on a full disk, which also stops root, and a function that frees it."""
    folder = tmp_path / "records"
    folder.mkdir(mode=0o500)
    if os.geteuid() != 0:
        yield folder, lambda: folder.chmod(0o700)
        return
    run = functools.partial(subprocess.run, check=True, capture_output=True)
    run(["mount", "-t", "tmpfs", "-o", "nr_inodes=1", "tmpfs", folder])
    yield folder, lambda: run(["mount", "-o", "remount,nr_inodes=10", folder])
    run(["umount", "--lazy", folder])


def test_a_recorder_that_keeps_no_record_is_found_out_before_the_queue_tells_the_upload_id(
    hook, upload, run, full_folder
):
    folder, make_room = full_folder
    with pytest.raises(DestinationError, match="The record of an upload cannot be kept in"):
        upload(hook, recorder=str(folder))
    assert hook.list_artifacts(run.task_id) == []
    make_room()
    assert not upload(hook, recorder=str(folder)).already_present
    assert list(folder.iterdir()) == []


def test_a_record_holds_no_credentials(connect, upload, tmp_path, monkeypatch, run):
    dies(monkeypatch, Uploader, "upload")
    with pytest.raises(Died):
        upload(connect(), recorder=str(tmp_path))
    text = next(tmp_path.iterdir()).read_text()
    assert not {"accessToken", "certificate", "credentials"} & set(text.replace('"', " ").split())
    assert next(tmp_path.iterdir()).stat().st_mode & 0o077 == 0


def test_a_retry_with_the_credentials_of_the_task_alone_declares_what_was_sent(as_task, upload, tmp_path, monkeypatch):
    dies(monkeypatch, EngineServices, "finish_artifact")
    with pytest.raises(Died):
        upload(as_task(), recorder=str(tmp_path))
    assert upload(as_task(), recorder=str(tmp_path)).already_present


def test_a_retry_without_the_scope_for_the_missing_bytes_names_it(as_task, upload, tmp_path, monkeypatch, run):
    dies(monkeypatch, EngineServices, "create_upload")
    with pytest.raises(Died):
        upload(as_task(), recorder=str(tmp_path))
    with pytest.raises(InsufficientScopes, match=f"object:upload:.*:t/{run.task_id}/{run.run_id}/{NAME}"):
        upload(as_task(), recorder=str(tmp_path))


@pytest.mark.parametrize(("owner", "step"), STEPS, ids=str)
def test_a_retry_without_a_record_says_what_to_do(connect, upload, monkeypatch, owner, step, no_waiting):
    dies(monkeypatch, owner, step)
    with pytest.raises(Died):
        upload(connect())
    with pytest.raises(
        Conflict, match=r"was announced by an earlier try, .* or as storage_type='s3', or rerun"
    ) as caught:
        upload(connect())
    assert not caught.value.transient
    assert not no_waiting, "a 500 that means 'for the second time' is not asked for again"


def test_other_content_of_a_later_try_is_a_conflict(connect, upload, tmp_path, monkeypatch):
    dies(monkeypatch, Uploader, "upload")
    with pytest.raises(Died):
        upload(connect(), recorder=str(tmp_path))
    with pytest.raises(Conflict, match="was announced by an earlier try"):
        upload(connect(), b"other", recorder=str(tmp_path))

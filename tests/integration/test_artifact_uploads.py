"""Artifacts published by the hook, and errors of the services meanwhile."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta

import pytest
from artifact_uploads import DATA, NAME, Died, as_task, dies, upload

from airflow_provider_taskcluster.common.timestamps import iso_timestamp
from airflow_provider_taskcluster.emulator.store.faults import Refuse, Status
from airflow_provider_taskcluster.exceptions import (
    ArtifactError,
    Conflict,
    InsufficientScopes,
    InvalidInput,
    NotFound,
    ReferenceRefused,
    ServiceUnavailable,
    StoreError,
    TooLarge,
)
from airflow_provider_taskcluster.hooks.sync_services import EngineServices
from airflow_provider_taskcluster.transfer.upload.object import Uploader

__all__ = ["as_task", "upload"]


@pytest.mark.parametrize("storage_type", ["object", "s3"])
@pytest.mark.parametrize("size", [0, 5, 100_000])
def test_an_artifact_is_published_with_the_credentials_of_its_task(hook, as_task, upload, run, storage_type, size):
    data = os.urandom(size)
    result = upload(as_task(), data, storage_type=storage_type)
    info = hook.artifact_info(run.task_id, NAME)
    length = size if storage_type == "s3" else None  # of an object, none is told
    assert (info["storageType"], info["contentType"], info.get("contentLength")) == (storage_type, "text/html", length)
    assert hook.read_artifact(run.task_id, NAME) == data
    assert (result.name, result.size, result.already_present) == (NAME, size, False)
    assert result.verified == ("length" if storage_type == "s3" else "sha256+sha512")


def test_a_reference_a_link_and_an_error_stand_for_artifacts(as_task, hook, upload, run, expires, tc):
    own, where = as_task(), (run.task_id, run.run_id)
    upload(own)
    for _ in range(2):  # each may be said again
        own.create_link_artifact(*where, "public/link", NAME, expires=expires)
        own.create_reference_artifact(*where, "public/elsewhere", "https://example.com/a.zip", expires=expires)
        own.create_error_artifact(
            *where, "public/missing", "never made", expires=expires, reason="file-missing-on-worker"
        )
    assert hook.read_artifact(run.task_id, "public/link") == DATA
    with pytest.raises(ReferenceRefused, match=r"refers to https://example.com/a.zip"):
        hook.read_artifact(run.task_id, "public/elsewhere")
    with pytest.raises(ArtifactError, match="never made"):
        hook.read_artifact(run.task_id, "public/missing")


def test_a_reason_that_does_not_exist_is_refused(hook, run, expires):
    with pytest.raises(InvalidInput, match="reason is 'gone': pass one of file-missing-on-worker, "):
        hook.create_error_artifact(run.task_id, run.run_id, NAME, "never made", expires=expires, reason="gone")


def test_every_step_by_hand(hook, run, expires):
    request = {"storageType": "object", "expires": expires.isoformat(timespec="milliseconds"), "contentType": "a/b"}
    granted = hook.create_artifact(run.task_id, run.run_id, NAME, request)
    hook.create_upload(
        granted["name"],
        upload_id=granted["uploadId"],
        expires=datetime.fromisoformat(granted["expires"]),
        project_id=granted["projectId"],
        proposed_upload_methods={"dataInline": {"contentType": "a/b", "objectData": ""}},
    )
    hook.finish_upload(granted["name"], upload_id=granted["uploadId"], project_id=granted["projectId"])
    with pytest.raises(NotFound):
        hook.artifact_info(run.task_id, NAME)
    hook.finish_artifact(run.task_id, run.run_id, NAME, upload_id=granted["uploadId"])
    assert hook.artifact_info(run.task_id, NAME)["storageType"] == "object"


def test_an_object_is_never_announced_with_its_length(hook, run, expires, tc):
    request = {"storageType": "object", "expires": expires.isoformat(timespec="milliseconds"), "contentType": "a/b"}
    tc.journal.clear()
    with pytest.raises(InvalidInput, match="leave contentLength out"):
        hook.create_artifact(run.task_id, run.run_id, NAME, {**request, "contentLength": 5})
    assert len(tc.journal) == 0


@pytest.fixture
def announced_with_length(monkeypatch):
    """Announce objects as the provider once did: finishArtifact is 500 then, and the artifact is present."""
    create = EngineServices.create_artifact

    def announce(self, task_id, run_id, name, request):
        return create(self, task_id, run_id, name, {**request, "contentLength": len(DATA)})

    monkeypatch.setattr(EngineServices, "create_artifact", announce)


@pytest.mark.usefixtures("announced_with_length")
@pytest.mark.parametrize("recorded", [True, False])
def test_a_500_of_finish_artifact_that_hides_success_is_success(as_task, hook, upload, run, tc, tmp_path, recorded):
    tc.journal.clear()
    upload(as_task(), recorder=str(tmp_path) if recorded else None)
    finished = tc.journal.entries(origin="api", method="PUT", path="/runs/0/artifacts/")
    assert [entry.status for entry in finished] == [500]
    assert hook.read_artifact(run.task_id, NAME) == DATA
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("announced_with_length")
@pytest.mark.parametrize("name", [NAME, "private/report.html"])
def test_a_retry_that_meets_such_a_500_finds_its_work_done(as_task, upload, run, tmp_path, monkeypatch, name):
    """Of a private artifact the task's own credentials may not read the sums."""
    finish = EngineServices.finish_artifact

    def finish_and_die(*arguments):
        monkeypatch.setattr(EngineServices, "finish_artifact", finish)
        with pytest.raises(ServiceUnavailable):
            finish(*arguments)
        raise Died

    monkeypatch.setattr(EngineServices, "finish_artifact", finish_and_die)
    with pytest.raises(Died):
        upload(as_task(), name=name, recorder=str(tmp_path))
    assert upload(as_task(), name=name, recorder=str(tmp_path)).already_present
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("announced_with_length")
def test_a_500_of_finish_artifact_for_other_content_is_a_conflict(connect, upload, run, expires, tmp_path, monkeypatch):
    """A record that tells the upload id of what somebody else has published since."""
    dies(monkeypatch, Uploader, "upload")
    with pytest.raises(Died):
        upload(connect(), recorder=str(tmp_path))
    hook = connect()
    name, project_id, upload_id = json.loads(json.loads(next(tmp_path.iterdir()).read_text())["key"])
    identity = {"expires": iso_timestamp(expires), "credentials": hook.settings.credentials.as_options()}
    run.upload({"name": name, "projectId": project_id, "uploadId": upload_id, **identity}, b"other")
    with pytest.raises(Conflict, match=r"exists, with the sha256 [0-9a-f]{64}, and yours is [0-9a-f]{64}"):
        upload(hook, recorder=str(tmp_path))


@pytest.mark.parametrize("seen", [True, False])
def test_a_500_of_finish_artifact_without_success_is_asked_again(
    connect, hook, upload, run, monkeypatch, no_waiting, tc, seen
):
    if not seen:  # nobody knows whether it is there
        tc.api_faults.add(Status(403), method="GET", path="/artifact-info/", times=2)
    finish, asked = EngineServices.finish_artifact, []

    def fail_twice(self, *arguments):
        asked.append(arguments)
        if len(asked) <= 2:
            raise ServiceUnavailable("broken", status=500)
        finish(self, *arguments)

    monkeypatch.setattr(EngineServices, "finish_artifact", fail_twice)
    upload(connect())
    assert (len(asked), len(no_waiting)) == (3, 2)
    assert hook.read_artifact(run.task_id, NAME) == DATA


@pytest.mark.parametrize("announced", ["with its length", "as it should be", "unseen"])
def test_by_hand_a_500_of_finish_artifact_is_looked_into(hook, run, tc, announced):
    grant = run.announce(NAME, length=len(DATA) if announced == "with its length" else None)
    run.upload(grant, DATA)
    if announced != "with its length":
        tc.api_faults.add(Status(500), method="PUT", path="/artifacts/", times=2)
    if announced == "unseen":
        tc.api_faults.add(Status(403), method="GET", path="/artifact-info/")
    tc.journal.clear()
    hook.finish_artifact(run.task_id, run.run_id, NAME, upload_id=grant["uploadId"])
    finished = tc.journal.entries(origin="api", method="PUT", path="/runs/0/artifacts/")
    assert [entry.status for entry in finished] == ([500] if announced == "with its length" else [500, 500, 204])
    assert hook.read_artifact(run.task_id, NAME) == DATA


@pytest.mark.parametrize("storage_type", ["object", "s3"])
@pytest.mark.parametrize("recorded", [True, False])
def test_a_repeated_upload_finds_its_work_done(hook, upload, tmp_path, storage_type, recorded):
    options = {"storage_type": storage_type, "recorder": str(tmp_path) if recorded else None}
    first, second = upload(hook, **options), upload(hook, **options)
    assert first.digests["sha256"] == second.digests["sha256"]
    assert second.already_present == (storage_type == "object")
    assert not list(tmp_path.iterdir()), "what is done needs no record"


def test_other_content_under_the_same_name_is_a_conflict_with_both_sums(hook, upload):
    upload(hook)
    with pytest.raises(Conflict, match=r"exists, with the sha256 [0-9a-f]{64}, and yours is [0-9a-f]{64}"):
        upload(hook, b"other")


def test_a_retry_that_may_not_read_cannot_compare_and_says_so(holding, upload, run, hook):
    upload(hook, name="private/a")
    limited = holding(
        f"queue:create-artifact:{run.task_id}/{run.run_id}", f"queue:list-artifacts:{run.task_id}:{run.run_id}"
    )
    with pytest.raises(Conflict, match="exists, and its sums cannot be read"):
        upload(limited, name="private/a")


@pytest.mark.parametrize("passes", [True, False])
def test_a_500_about_something_else_is_asked_again(connect, upload, monkeypatch, passes):
    hook, create, asked = connect(extra={"max_retries": 2}), EngineServices.create_artifact, []

    def fail(self, *arguments):
        asked.append(arguments)
        if passes and len(asked) == 3:
            return create(self, *arguments)
        raise ServiceUnavailable("broken", status=500)

    monkeypatch.setattr(EngineServices, "create_artifact", fail)
    if passes:
        assert not upload(hook).already_present
    else:
        with pytest.raises(ServiceUnavailable, match="broken"):
            upload(hook)
    assert len(asked) == 3


def test_what_may_pass_is_asked_again(connect, upload, monkeypatch, no_waiting):
    hook, asked = connect(), []
    create = EngineServices.create_artifact

    def fail_once(self, *arguments):
        asked.append(arguments)
        if len(asked) == 1:
            raise ServiceUnavailable("busy", status=503)
        return create(self, *arguments)

    monkeypatch.setattr(EngineServices, "create_artifact", fail_once)
    assert not upload(hook).already_present
    assert len(no_waiting) == 1


def test_an_s3_upload_renews_its_url_and_survives_a_death(connect, upload, run, tc, monkeypatch):
    hook = connect(extra={"max_retries": 0})
    tc.faults.add(Status(503), method="PUT")
    with pytest.raises(StoreError):
        upload(hook, storage_type="s3")
    tc.faults.add(Refuse(403), method="PUT")
    assert upload(connect(), storage_type="s3").attempts == 2
    assert hook.read_artifact(run.task_id, NAME) == DATA


def test_what_cannot_be_read_takes_no_name(hook, upload, run, tmp_path):
    with pytest.raises(InvalidInput, match="There is no file"):
        upload(hook, str(tmp_path / "absent"))
    assert hook.list_artifacts(run.task_id) == []


def test_a_file_that_no_put_can_carry_takes_no_name(hook, upload, run, monkeypatch):
    monkeypatch.setattr("airflow_provider_taskcluster.transfer.upload.artifact.LARGEST_PART", 10)
    with pytest.raises(TooLarge, match="more than one PUT carries"):
        upload(hook)
    assert hook.list_artifacts(run.task_id) == []


def test_a_run_that_is_over_takes_no_artifacts(hook, upload, run):
    run.complete()
    with pytest.raises(Conflict, match="cannot be created for a task after it is resolved"):
        upload(hook)


def test_a_missing_scope_is_named(holding, upload, run):
    with pytest.raises(InsufficientScopes, match=f"queue:create-artifact:{run.task_id}/{run.run_id}"):
        upload(holding("queue:status:*"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"storage_type": "reference"}, "pass 'object' or 's3'"),
        ({"name": "a/../b"}, "segment"),
        ({"content_type": "html"}, "is not a content type"),
        ({"expires": datetime(2020, 1, 1, tzinfo=UTC)}, "which is past"),
    ],
    ids=str,
)
def test_what_cannot_work_is_refused_before_anything_is_sent(hook, upload, run, tc, change, sentence):
    tc.journal.clear()
    with pytest.raises(InvalidInput, match=sentence):
        upload(hook, **change)
    assert len(tc.journal) == 0


@pytest.mark.parametrize("number", [str, float])
def test_the_number_of_the_run_may_be_written_as_templates_write_it(hook, run, number):
    hook.upload_artifact(DATA, run.task_id, number(run.run_id), NAME, expires=timedelta(days=1))
    assert hook.read_artifact(run.task_id, NAME, run_id=run.run_id) == DATA


@pytest.mark.parametrize("run_id", [None, "latest", -1, True])
def test_the_number_of_the_run_must_be_known(hook, run, expires, run_id):
    with pytest.raises(InvalidInput, match="an artifact is of a certain run"):
        hook.upload_artifact(b"", run.task_id, run_id, NAME, expires=expires)

"""Downloads of payloads with unavailable artifacts, and invalid arguments."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from payload_folder import BIG, CONTENTS, gets, manifest, there

from airflow_provider_taskcluster.emulator.store.faults import Corrupt, Headers, Status
from airflow_provider_taskcluster.exceptions import InvalidInput, NameRefused, NotFound, StoreError


def test_the_first_error_ends_it_and_names_the_file(connect, download, stored, tc):
    connect(extra={"max_retries": 0})
    tc.faults.add(Status(404), method="GET")
    with pytest.raises(StoreError if stored_on_s3(stored, tc) else AirflowFailException):
        download(stored)
    summary = download(stored)
    assert summary["count"] == 5


def stored_on_s3(run, tc):
    return bool(tc.journal.entries(path="/public-artifacts"))


def test_errors_are_reported_where_the_others_shall_go_on(download, stored, tc, tmp_path):
    stored.add_error("public/build/missing", "the build left no file")
    grant = stored.announce("public/never", storage_type="s3")
    assert grant
    with pytest.raises(AirflowFailException, match=r"public/build/missing.*file-missing-on-worker: the build left no"):
        download(stored)
    summary = download(stored, on_error="continue")
    assert (summary["count"], summary["failed"]) == (5, 2)
    assert "the build left no file" in summary["errors"]["public/build/missing"]
    assert summary["errors"]["public/never"].startswith("NotStoredYet: ")
    assert {entry["name"] for entry in manifest(summary)["failed"]} == {"public/build/missing", "public/never"}
    assert there(tmp_path / "folder") == CONTENTS


def test_bytes_that_do_not_match_are_not_stored(download, run, tc, tmp_path):
    run.add("public/a", BIG)
    tc.faults.add(Corrupt(), method="GET")
    summary = download(run, on_error="continue")
    assert summary["errors"]["public/a"].startswith("HashMismatch: ")
    assert there(tmp_path / "folder") == {}


def test_another_type_than_announced_is_not_stored(download, run, tc, tmp_path):
    run.add("public/a", BIG, storage_type="s3", content_type="text/plain")
    tc.faults.add(Headers({"Content-Type": "text/html"}), method="GET")
    assert download(run, on_error="continue")["errors"]["public/a"].startswith("NotAsAnnounced: ")
    assert there(tmp_path / "folder") == {}


def test_a_link_to_what_cannot_be_had_is_reported_too(download, run, tc, tmp_path):
    run.add("private/a", BIG)
    for link in ("one", "two"):
        run.add_link(f"public/{link}", "private/a")
    tc.faults.add(Corrupt(), method="GET")
    summary = download(run, include="public/", on_error="continue")
    assert summary["errors"].keys() == {"public/one", "public/two"}
    assert all(reason.startswith("HashMismatch") for reason in summary["errors"].values())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"destination": ""}, "Cannot download into ''"),
        ({"destination": "nowhere://x/"}, "nowhere"),
        ({"include": ["", "a"]}, "include holds"),
        ({"taskcluster_task_id": "x"}, "is not a task ID"),
        ({"destination": Path("/x/{{ ds }}")}, "renders no template"),
    ],
    ids=str,
)
def test_what_cannot_work_fails_at_once(download, stored, tc, arguments, sentence):
    tc.journal.clear()
    with pytest.raises(AirflowFailException, match=sentence):
        download(stored, **arguments)
    assert gets(tc) == 0


def test_a_folder_that_is_a_file_is_a_clear_error(hook, stored, tmp_path):
    (tmp_path / "file").touch()
    for kind in (str, Path):
        with pytest.raises(Exception, match="Cannot write"):
            hook.open_payload(stored.task_id).download(kind(tmp_path / "file"))


def test_hook_errors_have_their_types(hook, run, tmp_path):
    run.add("/abs", b"x")
    payload = hook.open_payload(run.task_id)
    with pytest.raises(NameRefused):
        payload.download(tmp_path)
    with pytest.raises(NotFound):
        payload.download(tmp_path, include="x*")
    with pytest.raises(InvalidInput):
        payload.download(7)

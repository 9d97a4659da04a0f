"""Downloads of payloads into a folder with some of their files."""

from __future__ import annotations

import base64
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from payload_folder import BIG, CONTENTS, gets, manifest, there

from airflow_provider_taskcluster.emulator.store.faults import Stall
from airflow_provider_taskcluster.exceptions import Interrupted
from airflow_provider_taskcluster.transfer.config import MIB
from airflow_provider_taskcluster.transfer.sink import leftovers


def test_a_second_run_transfers_nothing_and_asks_for_nothing(download, stored, tc, tmp_path):
    download(stored)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "folder").rglob("*.*")}
    tc.journal.clear()
    summary = download(stored)
    assert (summary["transferred"], summary["already_present"], summary["count"]) == (0, 5, 5)
    assert gets(tc) == 0
    assert not tc.journal.entries(path="artifact-content")
    after = {path: path.stat().st_mtime_ns for path in before}
    assert {path for path in before if before[path] != after[path]} == {tmp_path / "folder/taskcluster-payload.json"}


def test_a_second_run_that_transfers_nothing_sweeps_what_a_killed_one_left_in_all_folders(download, stored, tmp_path):
    download(stored)
    left = [
        path / ".taskcluster-0123abcd.new" for path in (tmp_path / "folder/public", tmp_path / "folder/public/build")
    ]
    for file in left:
        file.touch()
        os.utime(file, (0, 0))
    leftovers._due.clear()  # of the first run, a moment ago
    assert download(stored)["transferred"] == 0
    assert not any(file.exists() for file in left)


def test_a_second_run_transfers_only_what_is_missing_or_differs(download, stored, tc, tmp_path):
    download(stored)
    folder = tmp_path / "folder" / "public"
    (folder / "report.json").unlink()
    (folder / "build/target.zip").write_bytes(BIG[:-1] + bytes([BIG[-1] ^ 1]))  # as long as before
    (folder / "build/build.log").write_bytes(b"longer than before")
    tc.journal.clear()
    summary = download(stored)
    assert (summary["transferred"], summary["already_present"]) == (3, 2)
    assert gets(tc) == 3
    assert there(tmp_path / "folder") == CONTENTS


def test_objects_that_are_there_are_known_by_their_digests_without_a_manifest(download, run, tc, tmp_path):
    for name, data in CONTENTS.items():
        run.add(name, data)
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / name).write_bytes(data)
    (tmp_path / "folder/public/report.json").write_bytes(b"[]")
    tc.journal.clear()
    summary = download(run)
    assert (summary["transferred"], summary["already_present"]) == (1, 4)
    assert gets(tc) == 1
    assert {entry["verified"] for entry in manifest(summary)["files"]} == {"sha256+sha512"}


def test_a_manifest_of_another_run_or_a_broken_one_counts_for_nothing(download, stored, worker, tc, tmp_path):
    download(stored)
    other = worker.claim(worker.create_task())
    for name in CONTENTS:
        other.add(name, b"{}", storage_type="s3")
    assert download(other)["transferred"] == 5
    assert set(there(tmp_path / "folder").values()) == {b"{}"}
    for broken in (b"", b"{torn", b"[]", b'{"files": 7}', b"\xff\xfe"):
        (tmp_path / "folder/taskcluster-payload.json").write_bytes(broken)
        assert download(other)["count"] == 5
    written = manifest(download(other))
    for entry in written["files"]:
        del entry["digests"]
    (tmp_path / "folder/taskcluster-payload.json").write_text(json.dumps(written))
    assert download(other)["transferred"] == 5


def test_overwrite_fetches_all(download, stored, tc):
    download(stored)
    assert download(stored, if_exists="overwrite")["transferred"] == 5


def test_fail_refuses_what_is_there_before_anything_is_fetched(download, stored, tc, tmp_path):
    download(stored, include="*.json")
    tc.journal.clear()
    with pytest.raises(AirflowFailException, match=r"'public/report\.json': a file of this name is there"):
        download(stored, if_exists="fail")
    assert gets(tc) == 0
    summary = download(stored, if_exists="fail", on_error="continue")
    assert (summary["transferred"], summary["failed"]) == (4, 1)


def test_two_at_once_into_one_folder_end_with_the_same_files(hook, connect, stored, tmp_path):
    hooks = [hook, connect("tc_second")]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda own: own.open_payload(stored.task_id).download(tmp_path / "folder"), hooks))
    assert [len(result.files) for result in results] == [5, 5]
    assert there(tmp_path / "folder") == CONTENTS


def test_a_run_that_is_stopped_goes_on_with_what_it_had(connect, run, tc, tmp_path):
    for number in range(8):
        run.add(f"public/{number}", BIG, storage_type="s3")
    run.add("public/large", os.urandom(8 * MIB))
    tc.faults.add(Stall(2 * MIB), method="GET", path="objects", times=100)
    hook = connect()
    threading.Timer(1, hook.stop).start()
    with pytest.raises(Interrupted):
        hook.open_payload(run.task_id).download(tmp_path / "folder", connections=2, files=2)
    tc.faults.clear()
    tc.journal.clear()
    result = connect("tc_next").open_payload(run.task_id).download(tmp_path / "folder", connections=2, files=2)
    assert len(result.files) == 9
    assert "public/large" in result.transferred
    entries = tc.journal.entries(origin="store", method="GET")
    assert sum(entry.sent for entry in entries) <= 6 * MIB + len(BIG) * (len(result.transferred) - 1)
    assert len(there(tmp_path / "folder")) == 9


def test_entries_of_a_manifest_that_make_no_sense_are_left_alone(download, run, tmp_path):
    run.add("public/a", BIG, storage_type="s3")
    written = manifest(download(run))
    (entry,) = written["files"]
    sums = [7, {}, {"sha256": 7}, None]
    nonsense = [7, {}, {**entry, "name": []}, {**entry, "size": "x"}, {**entry, "more": 1}]
    nonsense += [{**entry, "digests": digests} for digests in sums]
    nested = "[" * 100_000
    for files in nonsense:
        (tmp_path / "folder/taskcluster-payload.json").write_text(json.dumps({**written, "files": [files]}))
        assert download(run)["transferred"] == 1
    (tmp_path / "folder/taskcluster-payload.json").write_text(nested)
    assert download(run)["transferred"] == 1


def test_a_file_whose_hash_nobody_can_compute_is_fetched_again(hook, run, tmp_path, expires):
    grant = run.announce("public/odd")
    where = {"upload_id": grant["uploadId"], "project_id": grant["projectId"]}
    inline = {"dataInline": {"contentType": "a/b", "objectData": base64.b64encode(b"odd").decode()}}
    until = datetime.fromisoformat(grant["expires"])
    hook.create_upload(grant["name"], expires=until, proposed_upload_methods=inline, **where)
    hook.finish_upload(grant["name"], hashes={"crc32": "0" * 8}, **where)
    hook.finish_artifact(run.task_id, run.run_id, "public/odd", upload_id=grant["uploadId"])
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "odd").write_bytes(b"bad")
    hook.open_payload(run.task_id, require_hashes=False).download(tmp_path)
    assert (tmp_path / "public" / "odd").read_bytes() == b"odd"

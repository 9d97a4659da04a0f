"""Payloads brought into a folder, by the operator and the hook."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from airflow_provider_taskcluster.emulator.store.faults import Corrupt, Headers, Stall, Status
from airflow_provider_taskcluster.exceptions import Interrupted, InvalidInput, NameRefused, NotFound, StoreError
from airflow_provider_taskcluster.operators.payloads import TaskclusterDownloadPayloadOperator
from airflow_provider_taskcluster.transfer import plan
from airflow_provider_taskcluster.transfer.config import MIB
from airflow_provider_taskcluster.transfer.payload import model

BIG = os.urandom(200_000)
CONTENTS = {
    "public/build/target.zip": BIG,
    "public/build/empty": b"",
    "public/build/sub/deep.bin": b"deep",
    "public/build/build.log": b"log",
    "public/report.json": b"{}",
}


@pytest.fixture(params=["s3", "object"])
def stored(request, run):
    for name, data in CONTENTS.items():
        run.add(name, data, storage_type=request.param)
    return run


@pytest.fixture
def download(hook, tmp_path):
    """Run an operator; its summary."""

    def execute(run, **arguments):
        usual = {"taskcluster_task_id": run.task_id, "destination": str(tmp_path / "folder")}
        return TaskclusterDownloadPayloadOperator(
            task_id="task", taskcluster_conn_id="tc_test", **{**usual, **arguments}
        ).execute({})

    return execute


def there(folder):
    """Contents by name of all that is below a folder but the manifest."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != "taskcluster-payload.json"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def manifest(summary):
    return json.loads(Path(summary["manifest"]).read_text())


def gets(tc):
    return len(tc.journal.entries(origin="store", method="GET"))


def test_all_files_are_there_with_a_manifest_beside_them(download, stored, tmp_path):
    summary = download(stored)
    assert there(tmp_path / "folder") == CONTENTS
    assert json.loads(json.dumps(summary)) == summary
    assert (summary["count"], summary["transferred"], summary["failed"]) == (5, 5, 0)
    assert summary["size"] == sum(map(len, CONTENTS.values()))
    assert summary["manifest"] == str(tmp_path / "folder" / "taskcluster-payload.json")
    written = manifest(summary)
    assert (written["task_id"], written["run_id"]) == (stored.task_id, 0)
    for entry in written["files"]:
        data = CONTENTS[entry["name"]]
        assert Path(entry["path"]).read_bytes() == data
        assert (entry["size"], entry["digests"]["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        assert entry["verified"] in {"length", "sha256+sha512"}
    assert "http" not in json.dumps([entry for entry in written["files"] if "objects" in entry["origin"]])
    assert "Signature" not in json.dumps(written)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"include": "public/build/*", "exclude": "*.log"}, {"public/build/target.zip", "public/build/empty"}),
        ({"include": ["Public/REPORT.json"]}, {"public/report.json"}),
        ({"include": '["public/report.json", "*.bin"]'}, {"public/report.json", "public/build/sub/deep.bin"}),
        ({"exclude": ["public/build/"]}, {"public/report.json"}),
        ({"prefix": "public/build", "include": "*.bin"}, {"sub/deep.bin"}),
    ],
    ids=str,
)
def test_patterns_and_names_say_what_is_taken(download, stored, tmp_path, arguments, names):
    assert download(stored, **arguments)["count"] == len(names)
    assert set(there(tmp_path / "folder")) == names


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


@pytest.mark.parametrize("arguments", [{"include": "nothing/*"}, {"exclude": "**"}, {"include": "nothing.txt"}])
def test_none_is_what_if_none_says(download, stored, tmp_path, arguments):
    with pytest.raises(AirflowFailException, match="has no artifact"):
        download(stored, **arguments)
    with pytest.raises(AirflowSkipException, match="has no artifact"):
        download(stored, **arguments, if_none="skip")
    assert not (tmp_path / "folder").exists()
    summary = download(stored, **arguments, if_none="succeed")
    assert (summary["count"], summary["files"]) == (0, [])
    assert manifest(summary)["files"] == []


def test_an_empty_payload_is_none(download, run):
    with pytest.raises(AirflowFailException, match="has no artifact at all"):
        download(run)
    with pytest.raises(AirflowSkipException):
        download(run, if_none="skip")


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


@pytest.mark.parametrize("storage_type", ["s3", "object"])
def test_links_are_followed_once_and_not_stored_twice(download, run, tc, tmp_path, storage_type):
    run.add("public/target.zip", BIG, storage_type=storage_type)
    run.add("private/other", b"other", storage_type=storage_type)
    for link, target in [("latest", "target.zip"), ("again", "latest"), ("lost", "nothing")]:
        run.add_link(f"public/{link}", f"public/{target}")
    for link in ("one", "two"):
        run.add_link(f"public/{link}", "private/other")
    tc.journal.clear()
    summary = download(run, include="public/", exclude="lost")
    assert there(tmp_path / "folder") == {"public/target.zip": BIG, "public/one": b"other"}
    assert gets(tc) == 2
    links = {entry["name"]: entry["same_as"] for entry in manifest(summary)["links"]}
    target = "public/target.zip"
    assert links == {"public/latest": target, "public/again": target, "public/two": "public/one"}
    assert summary["links"] == 3
    tc.journal.clear()
    assert download(run, include="public/", exclude="lost")["links"] == 3
    assert not tc.journal.entries(path="artifact-content")
    assert "404" in download(run, include="public/", on_error="continue")["errors"]["public/lost"]


def test_a_link_to_what_cannot_be_had_is_reported_too(download, run, tc, tmp_path):
    run.add("private/a", BIG)
    for link in ("one", "two"):
        run.add_link(f"public/{link}", "private/a")
    tc.faults.add(Corrupt(), method="GET")
    summary = download(run, include="public/", on_error="continue")
    assert summary["errors"].keys() == {"public/one", "public/two"}
    assert all(reason.startswith("HashMismatch") for reason in summary["errors"].values())


HOSTILE = ["/etc/cron.d/x", "C:/Windows/x", "..\\..\\x", "CON", "a//b", "a", "a/b", ".taskcluster-x", "x" * 900]


def test_hostile_names_are_refused_by_name_before_anything_is_fetched(download, run, tc, tmp_path):
    for name in [*HOSTILE, "good"]:
        run.add(name, b"content", storage_type="s3")
    tc.journal.clear()
    with pytest.raises(AirflowFailException, match=r"cannot be stored: .*Nothing was fetched") as caught:
        download(run)
    assert sum(repr(name[:200]) in str(caught.value) for name in HOSTILE) == 5
    assert gets(tc) == 0
    summary = download(run, on_error="continue")
    assert set(summary["errors"]) == set(HOSTILE) - {"a/b"}
    assert there(tmp_path / "folder") == {"good": b"content", "a/b": b"content"}
    assert {path.name for path in tmp_path.iterdir()} == {"folder"}


def test_a_link_in_the_folder_is_not_written_through(download, stored, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "folder/public").mkdir(parents=True)
    (tmp_path / "folder/public/build").symlink_to(tmp_path / "outside")
    with pytest.raises(AirflowFailException, match=r"Artifact 'public/build/.*' is not stored: .* it is a link"):
        download(stored)
    summary = download(stored, on_error="continue")
    assert (summary["count"], summary["failed"]) == (1, 4)
    assert not list((tmp_path / "outside").iterdir())


@pytest.mark.parametrize(("files", "connections"), [(3, 8), (8, 2), (1, 1)])
def test_files_and_connections_are_within_their_limits(download, run, tc, monkeypatch, files, connections):
    monkeypatch.setattr(plan, "FAST_ENOUGH", float("inf"))
    for number in range(12):
        run.add(f"public/{number}", BIG, storage_type="s3")
    tc.journal.clear()
    download(run, files=files, connections=connections)
    used = {entry.connection for entry in tc.journal.entries(origin="store", method="GET")}
    assert 1 <= len(used) <= min(files, connections)


def test_one_large_file_takes_the_connections_of_all(download, run, tc, monkeypatch, tmp_path):
    monkeypatch.setattr(plan, "FAST_ENOUGH", float("inf"))
    data = os.urandom(5 * plan.SEGMENT)
    run.add("public/large", data)
    tc.journal.clear()
    download(run, files=8, connections=4)
    assert gets(tc) == 5, "ranges, in parallel"
    assert there(tmp_path / "folder") == {"public/large": data}


def test_the_summary_is_capped_and_the_manifest_is_not(download, run, monkeypatch):
    monkeypatch.setattr(model, "SHOWN", 3)
    for number in range(10):
        run.add(f"public/{number}", b"x", storage_type="s3")
        run.add_error(f"public/e{number}")
    summary = download(run, on_error="continue")
    assert (len(summary["files"]), len(summary["errors"])) == (3, 3)
    assert (summary["count"], summary["failed"]) == (10, 10)
    assert (len(manifest(summary)["files"]), len(manifest(summary)["failed"])) == (10, 10)


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


def test_the_chain_of_trust_is_fetched_once(hook, run, tc, tmp_path):
    for name, data in CONTENTS.items():
        run.add(name, data, storage_type="s3")
    sums = {name: {"sha256": hashlib.sha256(data).hexdigest()} for name, data in CONTENTS.items()}
    sums["public/report.json"]["sha256"] = "0" * 64
    run.add("public/chain-of-trust.json", json.dumps({"artifacts": sums}).encode(), storage_type="s3")
    tc.journal.clear()
    payload = hook.open_payload(run.task_id, verify="chain_of_trust")
    result = payload.download(tmp_path / "folder", on_error="continue")
    assert len(tc.journal.entries(path="chain-of-trust")) == 2, "once for all, once as one of the files"
    assert {file.verified for file in result.files} == {"sha256", "length"}
    assert result.failed["public/report.json"].startswith("HashMismatch")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"if_exists": "maybe"}, "if_exists is 'maybe': pass one of 'verify', 'overwrite', 'fail'"),
        ({"if_none": "maybe"}, "if_none"),
        ({"on_error": "maybe"}, "on_error"),
        ({"files": 0}, "files is 0"),
        ({"connections": "x"}, "connections is 'x'"),
        ({"destination": ""}, "Cannot download into ''"),
        ({"destination": "nowhere://x/"}, "nowhere"),
        ({"include": ["", "a"]}, "include holds"),
        ({"taskcluster_task_id": "x"}, "is not a task ID"),
        ({"run_id": "x"}, "run_id is 'x'"),
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


def test_secrets_are_in_neither_manifest_nor_journal_nor_log(connect, run, tmp_path, caplog):
    caplog.set_level("DEBUG")
    hook = connect(extra={"max_retries": 0})
    for storage_type in ("s3", "object"):
        run.add(f"private/{storage_type}", BIG, storage_type=storage_type)
    run.announce("private/never", storage_type="s3")
    with pytest.raises(StoreError) as caught:
        hook.open_payload(run.task_id).download(tmp_path / "folder", files=1)
    result = hook.open_payload(run.task_id).download(tmp_path / "folder", on_error="continue")
    ours = [record.getMessage() for record in caplog.records if "emulator" not in record.name]
    said = "\n".join([str(caught.value), json.dumps(result.as_dict()), Path(result.manifest).read_text(), *ours])
    said = "\n".join(line for line in said.splitlines() if "uvicorn" not in line and "HTTP/1.1" not in line)
    for secret in ("X-Signature", "accessToken", "certificate"):
        assert secret not in said


def test_whoever_swaps_folders_for_links_meanwhile_leads_nothing_outside(hook, run, tmp_path):
    for number in range(60):
        run.add(f"public/{number % 3}/{number}", b"content", storage_type="s3")
    (tmp_path / "outside").mkdir()
    public = tmp_path / "folder/public"
    public.mkdir(parents=True)
    over = threading.Event()

    def swap():
        for number in itertools.count():
            with contextlib.suppress(OSError):  # the download makes the folder anew in between
                public.rename(tmp_path / f"folder/aside-{number}")
                public.symlink_to(tmp_path / "outside")
                public.unlink()
            if over.is_set():
                return

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        results = [
            hook.open_payload(run.task_id).download(tmp_path / "folder", on_error="continue", if_exists="overwrite")
            for _ in range(3)
        ]
    finally:
        over.set()
        swapping.join()
    assert not list((tmp_path / "outside").iterdir())
    for result in results:
        assert len(result.files) + len(result.failed) == 60
        assert all(reason.startswith(("NameRefused", "DestinationError")) for reason in result.failed.values())

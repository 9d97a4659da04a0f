"""Downloads of payloads into a folder: selection of files, manifest, and connections."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from payload_folder import BIG, CONTENTS, gets, manifest, there

from airflow_provider_taskcluster.exceptions import NotFound
from airflow_provider_taskcluster.transfer.download import plan
from airflow_provider_taskcluster.transfer.payload import model


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


@pytest.mark.parametrize("how", ["fetched", "known by its digests", "known by the manifest"])
def test_progress_knows_the_whole_when_all_files_have_begun(hook, stored, tmp_path, how):
    """No size of an object is listed."""
    payload, seen, whole = hook.open_payload(stored.task_id), [], sum(map(len, CONTENTS.values()))
    if how != "fetched":
        result = payload.download(str(tmp_path))
    if how == "known by its digests":
        Path(result.manifest).unlink()
    stored.add_error("public/broken")
    hook.open_payload(stored.task_id).download(str(tmp_path), on_error="continue", on_progress=seen.append)
    assert (seen[-1].total, seen[-1].done) == (whole, whole)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"include": "public/build/*", "exclude": "*.log"}, {"public/build/target.zip", "public/build/empty"}),
        ({"include": ["Public/REPORT.json"]}, {"public/report.json"}),
        ({"include": '["public/report.json", "*.bin"]'}, {"public/report.json", "public/build/sub/deep.bin"}),
        ({"exclude": ["public/build/"]}, {"public/report.json"}),
        ({"prefix": "public/build", "include": "*.bin"}, {"sub/deep.bin"}),
    ],
    ids=lambda value: str(sorted(value)) if isinstance(value, set) else str(value),  # the order of a set is chance
)
def test_patterns_and_names_say_what_is_taken(download, stored, tmp_path, arguments, names):
    assert download(stored, **arguments)["count"] == len(names)
    assert set(there(tmp_path / "folder")) == names


@pytest.mark.parametrize("nothing", [None, "", "None", [], (), set(), "[]", " [ ] ", "()"], ids=repr)
def test_an_exclude_that_is_empty_in_any_spelling_excludes_nothing(download, stored, tmp_path, hook, nothing):
    download(stored, exclude=nothing)
    assert there(tmp_path / "folder") == CONTENTS
    if not isinstance(nothing, str):
        assert {file.name for file in hook.open_payload(stored.task_id).select(exclude=nothing)} == set(CONTENTS)


@pytest.mark.parametrize("left_out", [None, "", "None"], ids=repr)
def test_an_include_that_is_left_out_means_all(download, stored, tmp_path, left_out):
    download(stored, include=left_out)
    assert there(tmp_path / "folder") == CONTENTS


@pytest.mark.parametrize("empty", [[], (), set(), "[]", " [ ] ", "()"], ids=repr)
def test_an_include_that_is_empty_selects_nothing(download, stored, tmp_path, empty, hook):
    with pytest.raises(AirflowFailException, match="No artifact is selected, since include is an empty list"):
        download(stored, include=empty)
    with pytest.raises(AirflowSkipException):
        download(stored, include=empty, if_none="skip")
    assert not (tmp_path / "folder").exists()
    assert download(stored, include=empty, if_none="succeed")["count"] == 0
    if not isinstance(empty, str):
        payload = hook.open_payload(stored.task_id)
        assert payload.select(empty) == list(payload.chunks(empty)) == []
        with pytest.raises(NotFound, match="empty list"):
            payload.download(tmp_path / "folder", include=empty)


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


@pytest.mark.parametrize(("files", "connections"), [(3, 8), (8, 2), (1, 1), ("3", "8"), (" 8 ", "2.0")])
def test_files_and_connections_are_within_their_limits(download, run, tc, monkeypatch, files, connections):
    monkeypatch.setattr(plan, "FAST_ENOUGH", float("inf"))
    for number in range(12):
        run.add(f"public/{number}", BIG, storage_type="s3")
    tc.journal.clear()
    download(run, files=files, connections=connections)
    used = {entry.connection for entry in tc.journal.entries(origin="store", method="GET")}
    assert 1 <= len(used) <= min(float(files), float(connections))


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

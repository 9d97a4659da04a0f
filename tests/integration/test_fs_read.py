"""Reading files of the filesystem, and the requests that this takes."""

from __future__ import annotations

import gzip
import multiprocessing
import os
import pickle

import fsspec
import pytest
from published_files import DATA, published, stored

from airflow_provider_taskcluster.emulator.store.faults import Corrupt
from airflow_provider_taskcluster.exceptions import (
    ArtifactError,
    AuthenticationFailed,
    HashMismatch,
    InsufficientScopes,
    InvalidInput,
    NotFound,
    ReferenceRefused,
)
from airflow_provider_taskcluster.transfer.upload.upload_id import random_upload_id

__all__ = ["published", "stored"]

MISSING = "fN1SbArXTPSVFNUvaOlinQ"
ODD_NAMES = [
    "with space",
    "per%cent",
    "percent-encoded%2Fslash",
    "question?mark",
    "hash#tag",
    "a+b",
    "[x]*",
    "c@d//e",
    "~'\"\\",
]


def gets(tc):
    return tc.journal.entries(origin="store", method="GET")


def test_an_object_has_facts(fs, stored):
    info = fs.info(stored)
    assert (info["name"], info["type"], info["size"]) == (stored, "file", len(DATA))
    assert set(info["hashes"]) == {"sha256", "sha512"}
    assert fs.isfile(stored)
    assert not fs.isdir(stored)
    assert fs.ls(stored, detail=False) == [stored]
    assert fs.ukey(stored) == fs.ukey(stored)


@pytest.mark.parametrize("kind", ["build/target.zip", "logs/raw.log"])
def test_a_file_is_read_at_any_place_without_fetching_all_of_it(fs, published, tc, kind):
    with fs.open(f"{published}/public/{kind}", block_size=1000) as file:
        assert file.size == len(DATA)
        file.seek(-100, os.SEEK_END)
        assert file.read() == DATA[-100:]
        file.seek(1_500_000)
        assert file.read(10) == DATA[1_500_000:1_500_010]
        file.seek(3)
        assert file.read(4) == DATA[3:7]
    assert sum(entry.sent for entry in gets(tc)) < 300_000
    assert {entry.status for entry in gets(tc)} == {206}


def test_a_range_of_a_file_is_read(fs, stored):
    assert fs.cat_file(stored, 10, 20) == DATA[10:20]
    assert fs.cat_file(stored, start=-5) == DATA[-5:]


def test_a_folder_is_copied_by_its_files_alone(fs, published, tc):
    folder = published.rpartition("/")[0]
    tc.journal.clear()
    fs.cp_file(folder, "objects/never")
    assert not tc.journal.entries(method="PUT")


def test_a_seek_past_the_end_reads_nothing(fs, stored):
    with fs.open(stored) as file:
        assert file.seek(10 * len(DATA)) == 10 * len(DATA)
        assert file.read(5) == b""
        assert file.read() == b""
        with pytest.raises(ValueError, match="before start"):
            file.seek(-1)


def test_a_gzip_artifact_is_decoded(fs, published):
    path = f"{published}/public/logs/live.log"
    assert fs.cat_file(path) == b"log" * 1000
    with fs.open(path) as file:
        file.seek(2990)
        assert file.read() == (b"log" * 1000)[2990:]
        assert file.size == 3000


@pytest.mark.parametrize("size", [0, 1, 8192, 256 * 1024, 256 * 1024 + 1])
def test_files_of_all_sizes_come_back(fs, hook, name, expires, size):
    hook.upload_object(DATA[:size], name, expires=expires)
    with fs.open(f"objects/{name}") as file:
        assert (file.size, file.read()) == (size, DATA[:size])
    assert fs.cat_file(f"objects/{name}") == DATA[:size]


def test_an_object_in_parts_is_read_at_any_place(fs, parted, tc):
    path, data = parted
    tc.journal.clear()
    with fs.open(path, block_size=1000) as file:
        assert file.size == len(data)
        middle = len(data) // 2
        file.seek(middle - 5)
        assert file.read(10) == data[middle - 5 : middle + 5]
        file.seek(-3, os.SEEK_END)
        assert file.read() == data[-3:]
    assert sum(entry.sent for entry in gets(tc)) < 3_000_000
    assert fs.size(path) == len(data)
    with fs.open(path) as file:
        assert b"".join(iter(lambda: file.read(7_000_000), b"")) == data


@pytest.fixture
def parted(hook, name, expires):
    data = os.urandom(5_500_000)
    hook.upload_object(data, name, expires=expires, multipart="always", part_size=1_000_000)
    return f"objects/{name}", data


@pytest.mark.parametrize("odd", ODD_NAMES)
def test_odd_names_are_taken_as_they_are(fs, hook, run, name, expires, odd):
    hook.upload_object(b"object", f"{name}/{odd}", expires=expires)
    run.add(f"private/{odd}", b"artifact", storage_type="s3")
    artifact = f"artifacts/{run.task_id}/latest/private/{odd}"
    for path, content in [(f"objects/{name}/{odd}", b"object"), (artifact, b"artifact")]:
        assert fs.exists(path)
        with fs.open(f"taskcluster://tc_test@{path}") as file:
            assert file.read() == content
        assert fs.cat(path) == content
    assert fs.find(f"artifacts/{run.task_id}/latest") == [artifact]


def test_what_is_not_there_is_no_file(fs, published, name):
    for path in (f"objects/{name}", f"{published}/public/missing", f"artifacts/{MISSING}/latest/public/x"):
        assert not fs.exists(path)
        assert not fs.isfile(path)
        assert not fs.isdir(path)
        for ask in (fs.open, fs.info, fs.ls, fs.cat_file):
            with pytest.raises(FileNotFoundError) as caught:
                ask(path)
            assert isinstance(caught.value, NotFound)
    assert not fs.exists(f"artifacts/{MISSING}")


def test_an_upload_that_is_not_finished_is_no_file(fs, hook, name, expires):
    hook.create_upload(name, upload_id=random_upload_id(), expires=expires)
    assert not fs.exists(f"objects/{name}")


@pytest.mark.parametrize(
    "path", ["elsewhere/x", "artifacts/nonsense/latest/x", f"artifacts/{MISSING}/first/x", "objects/a/../b"]
)
def test_a_path_that_stands_for_nothing_is_an_error(fs, path):
    with pytest.raises(InvalidInput):
        fs.exists(path)


def test_a_folder_cannot_be_opened(fs, published):
    with pytest.raises(InvalidInput, match="folder"):
        fs.open(published)


def test_wrong_credentials_are_not_taken_for_a_missing_file(connect, filesystem, stored, published):
    connect("tc_wrong", password="x" * 44)
    fs = filesystem("tc_wrong")
    for ask in (fs.exists, fs.isfile, fs.info, fs.open):
        with pytest.raises(AuthenticationFailed):
            ask(stored)
    with pytest.raises(AuthenticationFailed):
        fs.isdir(f"{published}/public")


def test_an_object_is_no_folder_and_nobody_is_asked(fs, name, tc):
    tc.journal.clear()
    assert not fs.isdir(f"objects/{name}")
    assert fs.isdir("objects")
    assert not tc.journal.entries()


def test_where_artifacts_may_not_be_listed_they_are_copied_all_the_same(holding, filesystem, run, tc, tmp_path):
    run.add("private/a", b"data")
    tc.anonymous_scopes, before = [], tc.anonymous_scopes
    try:
        holding("queue:get-artifact:private/a")
        fs = filesystem("tc_limited")
        fs.get(f"artifacts/{run.task_id}/0/private/a", str(tmp_path / "a"))
        with pytest.raises(InsufficientScopes, match="queue:list-artifacts"):
            fs.isdir(f"artifacts/{run.task_id}/0")
    finally:
        tc.anonymous_scopes = before
    assert (tmp_path / "a").read_bytes() == b"data"


def test_a_missing_scope_is_named(holding, filesystem, stored, name):
    holding("object:download:other")
    with pytest.raises(InsufficientScopes, match=f"object:download:{name}"):
        filesystem("tc_limited").exists(stored)


def test_an_error_artifact_says_its_reason(fs, run):
    run.add_error("public/broken", "no such file")
    path = f"artifacts/{run.task_id}/latest/public/broken"
    assert fs.info(path)["type"] == "other"
    assert not fs.isfile(path)
    with pytest.raises(ArtifactError, match="no such file"):
        fs.open(path)


def test_references_are_followed_when_allowed(fs, filesystem, run, tc):
    run.add_reference("public/reference", f"{tc.root_url}/api/queue/v1/ping")
    path = f"artifacts/{run.task_id}/latest/public/reference"
    for ask in (fs.open, fs.cat_file):
        with pytest.raises(ReferenceRefused, match="allow_reference"):
            ask(path)
    with filesystem(allow_reference=True).open(path) as file:
        assert b"alive" in file.read()


def test_links_are_followed(fs, run):
    run.add("public/target", b"content")
    run.add_link("public/link", "public/target")
    path = f"artifacts/{run.task_id}/latest/public/link"
    assert fs.size(path) == 7
    assert fs.cat_file(path) == b"content"
    with fs.open(path) as file:
        assert file.read() == b"content"


def test_a_file_is_downloaded_under_its_name_only_when_all_is_there(fs, stored, tc, tmp_path):
    fs.get(stored, str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == DATA
    tc.faults.add(Corrupt(), method="GET", times=100)
    with pytest.raises(HashMismatch):
        fs.get(stored, str(tmp_path / "other"))
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_a_run_is_downloaded_with_its_folders(fs, published, tmp_path):
    fs.get(f"{published}/public/", f"{tmp_path}/", recursive=True)
    assert (tmp_path / "a.txt").read_bytes() == b"first\nsecond\n"
    assert (tmp_path / "build/target.zip").read_bytes() == DATA
    assert (tmp_path / "logs/live.log").read_bytes() == b"log" * 1000


def test_names_of_artifacts_lead_nowhere_else(fs, run, tmp_path):
    for hostile in ("../../outside", "/etc/outside", "a/../../outside"):
        run.add(hostile, b"hostile", storage_type="s3")
    with pytest.raises((InvalidInput, ValueError)):
        fs.get(f"artifacts/{run.task_id}/latest/", f"{tmp_path}/in/", recursive=True)
    assert not [path for path in tmp_path.rglob("*outside") if tmp_path / "in" not in path.parents]


def test_progress_goes_to_the_callback(fs, stored, tmp_path):
    callback = fsspec.callbacks.Callback()
    fs.get_file(stored, str(tmp_path / "copy"), callback=callback)
    assert (callback.size, callback.value) == (len(DATA), len(DATA))


def test_text_and_compression_are_read(fs, hook, name, expires):
    hook.upload_object(gzip.compress("grün\n".encode()), f"{name}.gz", expires=expires)
    with fs.open(f"objects/{name}.gz", "r", compression="infer", encoding="utf-8") as file:
        assert file.read() == "grün\n"


def test_an_open_file_can_be_read_on_in_a_process_that_was_forked(fs, stored):
    with fs.open(stored, block_size=2**20) as file:
        assert file.read(2_000_000) == DATA[:2_000_000]  # much enough for threads that hash
        parent, child = multiprocessing.Pipe()
        process = multiprocessing.get_context("fork").Process(
            target=lambda: child.send(file.read() == DATA[2_000_000:])
        )
        process.start()
        assert parent.poll(30)
        assert parent.recv()
        process.join()
        assert file.read() == DATA[2_000_000:]


def test_an_open_file_survives_pickling(fs, stored):
    with fs.open(stored) as file:
        file.seek(1000)
        with pickle.loads(pickle.dumps(file)) as other:
            assert other.read(10) == DATA[1000:1010]
            other.fs.hook.close()


def test_the_url_names_the_connection(hook, stored):
    with fsspec.open(f"taskcluster://tc_test@{stored}") as file:
        assert file.read(10) == DATA[:10]
        file.fs.hook.close()

from __future__ import annotations

import pickle

import pytest

from airflow_provider_taskcluster.exceptions import InvalidInput, InvalidName, NotFound, TaskclusterError
from airflow_provider_taskcluster.fs.errors import FileThere, NoSuchFile
from airflow_provider_taskcluster.fs.filesystem import TaskclusterFileSystem
from airflow_provider_taskcluster.fs.listing import entries
from airflow_provider_taskcluster.fs.paths import ArtifactPath, ObjectPath, Root, parse_path, split_connection

TASK = "fN1SbArXTPSVFNUvaOlinQ"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("", Root()),
        ("objects", ObjectPath()),
        ("objects/a/b c#%20?", ObjectPath("a/b c#%20?")),
        ("objects//leading", ObjectPath("/leading")),
        ("artifacts", ArtifactPath()),
        (f"artifacts/{TASK}", ArtifactPath(TASK)),
        (f"artifacts/{TASK}/0", ArtifactPath(TASK, "0")),
        (f"artifacts/{TASK}/latest/public/a", ArtifactPath(TASK, "latest", "public/a")),
        (f"artifacts/{TASK}/12//etc/x", ArtifactPath(TASK, "12", "/etc/x")),
    ],
)
def test_a_path_stands_for_a_place(path, place):
    assert parse_path(path) == place


@pytest.mark.parametrize("run", ["-1", "1.5", "first", "²", "LATEST", "9" * 5000])
def test_a_run_is_a_number_or_the_latest(run):
    with pytest.raises(InvalidInput, match="is no run"):
        parse_path(f"artifacts/{TASK}/{run}/a")


@pytest.mark.parametrize("path", ["objects/../b", f"artifacts/{TASK}/0/a/./b", "objects/grün"])
def test_a_name_that_no_service_carries_is_refused(path):
    with pytest.raises(InvalidName):
        parse_path(path)


def test_the_run_is_a_number_for_the_service():
    assert ArtifactPath(TASK, "7").run_id == 7
    assert ArtifactPath(TASK, "latest").run_id is None


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("conn@objects/a", ("conn", "objects/a")),
        ("objects/a@b", (None, "objects/a@b")),
        ("a@b@objects/c", ("a@b", "objects/c")),
        ("conn@/objects/c", ("conn", "/objects/c")),
        ("@objects", (None, "objects")),
    ],
)
def test_the_connection_is_before_an_at_sign_in_the_first_segment(path, split):
    assert split_connection(path) == split


@pytest.mark.parametrize(
    "written",
    [
        "taskcluster://objects/a",
        "taskcluster://conn@objects/a",
        "taskcluster://conn@/objects/a",
        "/objects/a",
        "objects/a/",
        "./objects/a",
    ],
)
def test_all_ways_to_write_a_path_are_one(written):
    assert TaskclusterFileSystem._strip_protocol(written) == "objects/a"
    assert TaskclusterFileSystem._strip_protocol([written]) == ["objects/a"]


@pytest.mark.parametrize("written", ["taskcluster://", "taskcluster://conn@", "/", "", ".", "taskcluster:/"])
def test_all_ways_to_write_the_root_are_one(written):
    assert TaskclusterFileSystem._strip_protocol(written) == ""


def artifacts(*names):
    return [{"name": name, "storageType": "s3", "contentType": "text/plain", "expires": "2030"} for name in names]


def listed(folder, *names):
    return {entry["name"].removeprefix("run/"): entry["type"] for entry in entries("run", folder, artifacts(*names))}


def test_folders_are_seen_in_names():
    names = ["a", "b/c", "b/d", "b/e/f", "bb/x"]
    assert listed("", *names) == {"a": "file", "b": "directory", "bb": "directory"}
    assert listed("b", *names) == {"b/c": "file", "b/d": "file", "b/e": "directory"}
    assert listed("missing", *names) == {}


def test_a_file_and_a_folder_may_have_the_same_name():
    found = entries("run", "", artifacts("a", "a/b"))
    assert sorted(entry["type"] for entry in found) == ["directory", "file"]


def test_a_folder_without_a_name_is_part_of_a_files_name():
    assert listed("", "/etc/x", "a//b") == {"/etc/x": "file", "a": "directory"}
    assert listed("a", "a//b") == {"a//b": "file"}


@pytest.mark.parametrize(("error", "builtin"), [(NoSuchFile, FileNotFoundError), (FileThere, FileExistsError)])
def test_errors_are_ours_and_pythons_and_survive_pickling(error, builtin):
    back = pickle.loads(pickle.dumps(error("what", status=404, code="Code")))
    assert isinstance(back, TaskclusterError)
    assert isinstance(back, builtin)
    assert (str(back), back.status, back.code) == ("what", 404, "Code")
    assert issubclass(NoSuchFile, NotFound)

"""The connection of a path is kept in its URL, and never mixed up with that of another filesystem."""

from __future__ import annotations

import os
from pathlib import Path

import fsspec
import pytest
from fsspec.generic import rsync, set_generic_fs

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.fs.filesystem import TaskclusterFileSystem

DATA = os.urandom(100_000)
FROM_URLS = {"default_method": "options"}


@pytest.fixture
def published(conn_id, run):
    """URL of a folder of artifacts."""
    run.add("public/a.bin", DATA, storage_type="s3")
    run.add("public/deeper/b #1?.txt", b"b", storage_type="s3")
    return f"taskcluster://{conn_id}@artifacts/{run.task_id}/0/public"


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def read(url):
    with fsspec.open(url) as file:
        return file.read()


@pytest.mark.parametrize("path", ["objects/a b", "/objects/a b", "taskcluster://objects/a b", "objects/a b/"])
def test_the_url_of_a_path_names_the_connection(filesystem, hook, path):
    assert filesystem("tc_test").unstrip_protocol(path) == "taskcluster://tc_test@objects/a b"
    assert filesystem(None).unstrip_protocol(path) == "taskcluster://objects/a b"
    url = filesystem("tc_test").unstrip_protocol("objects/x@y/z")
    assert filesystem("tc_test")._strip_protocol(url) == "objects/x@y/z"


def test_a_url_of_one_filesystem_opens_the_same_file_anywhere(published, hook, name, conn_id):
    fs, path = fsspec.url_to_fs(published)
    found = fs.find(path)
    urls = [fs.unstrip_protocol(file) for file in found]
    assert [fsspec.open(url).full_name for url in urls] == urls
    assert [read(url) for url in urls] == [DATA, b"b"]
    assert fs.conn_id == conn_id


@pytest.mark.parametrize("call", ["open", "cat_file", "info", "exists", "ls", "find", "glob", "isdir", "pipe_file"])
def test_a_path_of_another_connection_is_refused(fs, name, call):
    arguments = [b"data"] if call == "pipe_file" else []
    with pytest.raises(InvalidInput, match="names the connection 'other', and this filesystem is that of 'tc_test'"):
        getattr(fs, call)(f"taskcluster://other@objects/{name}", *arguments)
    with pytest.raises(InvalidInput, match="'other'"):
        fs.expand_path([f"taskcluster://other@objects/{name}"])
    fs.pipe_file(f"taskcluster://tc_test@objects/{name}", b"data")
    assert fs.cat_file(f"objects/{name}") == b"data"


def test_rsync_brings_a_folder_of_artifacts_to_this_machine(published, tmp_path):
    rsync(published, f"file://{tmp_path}/copy", inst_kwargs=FROM_URLS)
    assert contents(tmp_path / "copy") == {"a.bin": DATA, "deeper/b #1?.txt": b"b"}
    assert rsync(published, f"file://{tmp_path}/copy", inst_kwargs=FROM_URLS) == {}


def test_rsync_makes_objects_of_a_folder(published, conn_id, tmp_path, hook, name):
    target = f"taskcluster://{conn_id}@objects/{name}"
    rsync(published, f"file://{tmp_path}/copy", inst_kwargs=FROM_URLS)
    rsync(f"file://{tmp_path}/copy", f"{target}/local", inst_kwargs=FROM_URLS)
    rsync(published, f"{target}/inside", inst_kwargs=FROM_URLS)
    for made in ("local", "inside"):
        assert hook.read_object(f"{name}/{made}/a.bin") == DATA
        assert hook.read_object(f"{name}/{made}/deeper/b #1?.txt") == b"b"


def test_rsync_with_filesystems_made_before_keeps_their_connection(published, conn_id, tmp_path, monkeypatch):
    monkeypatch.setattr("fsspec.generic._generic_fs", {})
    set_generic_fs("taskcluster", conn_id=conn_id)
    set_generic_fs("file")
    rsync(published, f"file://{tmp_path}/copy", inst_kwargs={"default_method": "generic"})
    assert contents(tmp_path / "copy") == {"a.bin": DATA, "deeper/b #1?.txt": b"b"}


def test_rsync_with_the_default_connection_refuses_a_path_of_another(published, tmp_path):
    with pytest.raises(InvalidInput, match="this filesystem is that of 'taskcluster_default'"):
        rsync(published, f"file://{tmp_path}/copy")
    assert TaskclusterFileSystem._strip_protocol(published).startswith("artifacts/")

"""Sizes of files in the filesystem, where they are known."""

from __future__ import annotations

from airflow_provider_taskcluster.emulator.worker import put


def test_sizes_are_added_up_as_far_as_they_are_known(fs, run):
    run.add("public/a", b"abc", storage_type="s3")
    run.add_error("public/broken", "why")
    path = f"artifacts/{run.task_id}/latest"
    assert fs.du(path) == 3
    assert fs.du(path, total=False)[f"{path}/public/a"] == 3


def test_what_is_not_listed_is_asked_of_the_store_to_be_added_up(fs, run):
    """Of objects no size is listed."""
    run.add("public/a", b"abc", storage_type="s3")
    run.add("public/b/object", b"12345")
    run.add("public/b/odd name", b"12")
    run.add_link("public/link", "public/a")
    run.announce("public/announced", storage_type="s3")
    run.announce("public/unfinished")
    run.add_reference("public/reference", "https://example.com/a")
    path = f"artifacts/{run.task_id}/latest/public"
    assert fs.du(path) == 3 + 5 + 2 + 3
    sizes = {name.removeprefix(f"{path}/"): size for name, size in fs.du(path, total=False).items()}
    assert (sizes["b/object"], sizes["reference"], sizes["announced"], sizes["unfinished"]) == (5, None, None, None)
    assert fs.size(f"{path}/b/object") == 5
    assert fs.sizes([f"{path}/b/object", f"{path}/a"]) == [5, 3]


def test_the_size_of_an_artifact_is_asked_of_the_store_where_the_worker_did_not_say(fs, run):
    grant = run.announce("public/no-length", storage_type="s3")
    put(grant["putUrl"], b"12345", {"Content-Type": "application/octet-stream"})
    path = f"artifacts/{run.task_id}/latest/public/no-length"
    assert fs.ls(path)[0]["size"] is None
    assert fs.size(path) == 5

"""Listing and finding files of the filesystem, and the requests that this takes."""

from __future__ import annotations

import pytest
from published_files import DATA, published

from airflow_provider_taskcluster.exceptions import (
    InvalidInput,
)

__all__ = ["published"]


def test_a_run_is_listed_as_folders(fs, published):
    assert fs.ls(published, detail=False) == [f"{published}/public"]
    assert fs.ls(f"{published}/public", detail=False) == [
        f"{published}/public/a.txt",
        f"{published}/public/build",
        f"{published}/public/logs",
    ]
    (entry,) = fs.ls(f"{published}/public/build")
    assert entry["name"] == f"{published}/public/build/target.zip"
    assert (entry["type"], entry["size"], entry["storage_type"]) == ("file", None, "object")
    assert fs.info(entry["name"])["size"] == len(DATA)


def test_the_latest_run_is_listed_under_its_own_path(fs, published):
    latest = published.rpartition("/")[0] + "/latest"
    assert fs.find(latest) == [path.replace(published, latest) for path in fs.find(published)]
    assert fs.cat_file(f"{latest}/public/a.txt") == b"first\nsecond\n"


def test_a_task_is_listed_by_its_runs(fs, worker):
    task_id = worker.create_task()
    worker.claim(task_id).exception("worker-shutdown")
    worker.claim(task_id).complete()
    assert fs.ls(f"artifacts/{task_id}", detail=False) == [f"artifacts/{task_id}/0", f"artifacts/{task_id}/1"]


def test_the_rooms_are_listed_but_not_what_the_services_have_no_list_of(fs):
    assert fs.ls("", detail=False) == ["artifacts", "objects"]
    assert fs.isdir("taskcluster://")
    for room in ("objects", "artifacts"):
        assert fs.isdir(room)
        with pytest.raises(InvalidInput, match="has no list"):
            fs.ls(room)
    with pytest.raises(InvalidInput, match="has no list"):
        fs.glob("objects/a*")


def test_a_walk_asks_for_the_list_of_a_run_once(fs, published, tc):
    assert len(list(fs.walk(f"{published}/public"))) == 3
    assert len(tc.journal.entries(method="GET", path="/artifacts")) == 1


def test_globs_find_artifacts_by_pattern(fs, published):
    assert fs.glob(f"{published}/public/logs/*.log") == [
        f"{published}/public/logs/live.log",
        f"{published}/public/logs/raw.log",
    ]
    assert fs.glob(f"{published}/**/target.zip") == [f"{published}/public/build/target.zip"]


def test_globs_find_artifacts_of_all_runs(fs, published):
    task = published.rpartition("/")[0]
    assert fs.glob(f"{task}/*/public/*.txt") == [f"{published}/public/a.txt"]
    assert fs.glob(f"{task}/?/public/logs/r*") == [f"{published}/public/logs/raw.log"]

"""Files left by killed processes are removed by later ones after a day, and no others."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from airflow_provider_taskcluster.transfer.payload.local import LocalDestination
from airflow_provider_taskcluster.transfer.sink import leftovers
from airflow_provider_taskcluster.transfer.sink.directory import Directory
from airflow_provider_taskcluster.transfer.sink.partial_file import PathSink

LEFT = [
    ".taskcluster-0123456789abcdef.new",
    ".taskcluster-0123456789abcdef.case",
    ".taskcluster-0123456789abcdef.part",
    ".taskcluster-fedcba9876543210.json",
    ".taskcluster-a_b0c1d2.extract",
]


def leave(folder, name, age=2 * 24 * 60 * 60):
    """Make what a killed process left, so many seconds ago."""
    path = folder / name
    if name.endswith(".extract"):
        (path / "half" / "way").mkdir(parents=True)
        (path / "half" / "file").write_text("x")
        (path / "link").symlink_to("/")
    else:
        path.write_text("x")
    os.utime(path, (time.time() - age,) * 2)
    return path


def swept(folder):
    """Names in a folder after a sweep."""
    with closing(Directory.at(folder, make=False)) as opened:
        leftovers.sweep(opened)
    return sorted(path.name for path in Path(folder).iterdir())


@pytest.mark.parametrize("name", LEFT)
def test_it_is_removed_after_a_day_and_not_before(tmp_path, name):
    leave(tmp_path, name)
    assert swept(tmp_path) == []
    leave(tmp_path, name, age=23 * 60 * 60)
    assert swept(tmp_path) == [name]


@pytest.mark.parametrize(
    "name",
    [
        *("mine.new", "taskcluster-1.new", ".taskcluster-1.new.bak", ".taskcluster-.new", ".taskcluster-a.b.new"),
        *(".taskcluster-payload.jsonl", ".taskcluster-1.txt", "taskcluster-payload.json", ".taskcluster-1.NEW"),
    ],
)
def test_what_is_not_ours_stays(tmp_path, name):
    leave(tmp_path, name)
    assert swept(tmp_path) == [name]


@pytest.mark.parametrize("name", LEFT)
def test_links_and_what_is_of_another_kind_stay(tmp_path, name):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("x")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / name).symlink_to(outside if name.endswith(".extract") else outside / "file")
    os.utime(folder / name, (0, 0), follow_symlinks=False)
    assert swept(folder) == [name]
    (folder / name).unlink()
    if name.endswith(".extract"):
        (folder / name).write_text("x")
    else:
        (folder / name).mkdir()
    os.utime(folder / name, (0, 0))
    assert swept(folder) == [name]
    assert (outside / "file").read_text() == "x"


@pytest.mark.parametrize("name", LEFT)
def test_what_belongs_to_somebody_else_stays(tmp_path, name):
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(leave(tmp_path, name), 12345, -1)
    assert swept(tmp_path) == [name]


@pytest.mark.parametrize("name", LEFT[:4])
def test_what_is_locked_stays(tmp_path, name):
    with leave(tmp_path, name).open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert swept(tmp_path) == [name]
    assert swept(tmp_path) == []


def test_what_a_later_try_can_go_on_with_stays(tmp_path):
    for name in (".taskcluster-1.part", ".taskcluster-1.json"):
        leave(tmp_path, name)
    assert swept(tmp_path) == [".taskcluster-1.json", ".taskcluster-1.part"]


def test_a_folder_in_use_stays_however_old_it_is(tmp_path):
    with leftovers.staging(tmp_path) as staging:
        os.utime(staging, (0, 0))
        assert swept(tmp_path) == [staging.name]
    assert swept(tmp_path) == []


def test_a_killed_process_holds_its_folder_no_longer(tmp_path, preloaded):
    code = f"""
import os, pathlib, signal
from airflow_provider_taskcluster.transfer.sink.leftovers import staging
with staging(pathlib.Path({str(tmp_path)!r})) as path:
    (path / "half").write_text("x")
    os.utime(path, (0, 0))
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert preloaded.finished(code).returncode == -9
    assert len(list(tmp_path.iterdir())) == 1
    assert swept(tmp_path) == []


def deepen(top, levels):
    """Make folders in folders, deeper than a path can name and a stack can follow."""
    parent = os.open(top, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=parent)
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=parent))
        below = os.open("d", os.O_RDONLY, dir_fd=parent)
        os.close(parent)
        parent = below
    os.close(parent)


def test_a_folder_is_removed_however_deep_it_is(tmp_path, preloaded):
    left = tmp_path / ".taskcluster-deep.extract"
    left.mkdir()
    deepen(left, 2500)
    os.utime(left, (0, 0))
    code = f"""
import resource
from airflow_provider_taskcluster.transfer.sink import leftovers
from airflow_provider_taskcluster.transfer.sink.directory import Directory
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
leftovers.sweep(Directory.at({str(tmp_path)!r}, make=False))
"""
    preloaded.finished(code, check=True)
    assert not list(tmp_path.iterdir())


def test_a_staging_folder_is_removed_however_deep_it_is_and_whatever_its_names(tmp_path):
    with leftovers.staging(tmp_path) as staging:
        deepen(staging, 1200)
        (staging / "d" / ".taskcluster-x").mkdir()
        (staging / "d" / "link").symlink_to("..")
    assert swept(tmp_path) == []


def test_what_cannot_be_removed_stays_and_hinders_nobody(tmp_path):
    if os.geteuid() == 0:
        left = leave(tmp_path, LEFT[0])
        if subprocess.run(["chattr", "+i", left], check=False, capture_output=True).returncode != 0:
            pytest.skip("this file system has no immutable files")
        try:
            assert swept(tmp_path) == [LEFT[0]]
        finally:
            subprocess.run(["chattr", "-i", left], check=True)
    else:
        leave(tmp_path, LEFT[0])
        tmp_path.chmod(0o500)
        try:
            assert swept(tmp_path) == [LEFT[0]]
        finally:
            tmp_path.chmod(0o700)


@pytest.mark.parametrize(("seconds", "due"), [(100.001, 160.001), (110.0, 300.0)])
def test_a_folder_is_looked_through_now_and_then(tmp_path, monkeypatch, seconds, due):
    times = iter([100.0, seconds, due - 0.1, due + 0.1, due + 0.1])  # of the first sweep, and of two looks
    clock = SimpleNamespace(monotonic=lambda: next(times), time=time.time)  # loops of other threads keep theirs
    monkeypatch.setattr(leftovers, "time", clock)
    monkeypatch.setattr(leftovers, "_due", {})
    with closing(Directory.at(tmp_path, make=False)) as opened:
        leftovers.sweep_if_due(opened)
        leave(tmp_path, LEFT[0])
        leftovers.sweep_if_due(opened)
        assert [path.name for path in tmp_path.iterdir()] == [LEFT[0]]
        leftovers.sweep_if_due(opened)
    assert not list(tmp_path.iterdir())


def test_a_download_sweeps_its_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(leftovers, "_due", {})
    (tmp_path / "in").mkdir()
    for name in LEFT:
        leave(tmp_path / "in", name)
    sink = PathSink(tmp_path / "in" / "file")
    sink.begin(1)
    sink.write(b"1")
    sink.commit()
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["file"]


def test_a_payload_sweeps_its_folder_and_those_below(tmp_path, monkeypatch):
    monkeypatch.setattr(leftovers, "_due", {})
    for folder in (tmp_path, tmp_path / "below"):
        folder.mkdir(exist_ok=True)
        for name in LEFT:
            leave(folder, name)
    place = LocalDestination(tmp_path)
    sink = place.sink("below/file")
    sink.begin(1)
    sink.write(b"1")
    sink.commit()
    place.close()
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["below", "below/file"]

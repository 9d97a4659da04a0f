"""The destination folder of an extraction: existing files, concurrent changes, and early ends."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from archives_to_extract import BOTH, NOISE, tree

from airflow_provider_taskcluster.exceptions import ArchiveRefused, DestinationError, Interrupted, NameRefused
from airflow_provider_taskcluster.transfer.archive.extract import extract


def test_files_that_are_there_are_replaced_and_others_stay(made, outside):
    folder = outside / "in"
    folder.mkdir()
    (folder / "a").write_text("old")
    (folder / "mine").write_text("mine")
    archive = made(".zip", [("a", b"new"), ("b/c", b"2")])
    for _ in range(2):
        extract(archive, folder)
        assert tree(folder) == {"a": b"new", "b/c": b"2", "mine": b"mine"}


@pytest.mark.parametrize("kind", BOTH)
def test_nothing_is_written_through_a_link_that_is_there(made, outside, kind):
    folder = outside / "in"
    folder.mkdir()
    (folder / "out").symlink_to(outside)
    (folder / "file").symlink_to(outside / "precious")
    with pytest.raises(NameRefused, match=r"/out' is in the way: it is a link or a file, not a folder"):
        extract(made(kind, [("a", b"1"), ("out/evil", b"2")]), folder)
    assert tree(outside).keys() == {"precious", "in/out", "in/file"}
    extract(made(kind, [("file", b"3")]), folder)
    assert (outside / "precious").read_text() == "untouched"
    assert (folder / "file").read_bytes() == b"3"


def test_a_folder_that_is_a_file_is_an_error_of_the_destination(made, outside):
    with pytest.raises(DestinationError, match="Cannot write"):
        extract(made(".zip", [("a", b"1")]), outside / "precious")


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("hindrance", ["link", "file", "folder"])
def test_what_is_in_the_way_is_found_before_anything_is_moved(made, outside, kind, hindrance):
    folder = outside / "in"
    folder.mkdir()
    match hindrance:
        case "link":
            (folder / "z").symlink_to(outside)
        case "file":
            (folder / "z").write_text("mine")
        case "folder":
            (folder / "z" / "f").mkdir(parents=True)
    before = sorted(path.name for path in folder.rglob("*"))
    with pytest.raises(NameRefused):
        extract(made(kind, [("a", b"1"), ("b/c/d", b"2"), ("z/f", b"3")]), folder)
    assert sorted(path.name for path in folder.rglob("*")) == before


def test_folders_that_were_made_are_gone_when_nothing_can_be_moved(made, outside):
    folder = outside / "in"
    (folder / "z").mkdir(parents=True)
    subprocess.run(["chattr", "+i", folder / "z"], check=False, capture_output=True)
    try:
        if os.access(folder / "z", os.W_OK) and _is_writable(folder / "z"):
            pytest.skip("only root can make a folder immutable, and only on some file systems")
        with pytest.raises(DestinationError):
            extract(made(".zip", [("b/c/", b""), ("z/f", b"3")]), folder)
        assert [path.name for path in folder.iterdir()] == ["z"]
    finally:
        subprocess.run(["chattr", "-i", folder / "z"], check=False, capture_output=True)


def _is_writable(folder):
    try:
        (folder / "probe").touch()
    except OSError:
        return False
    (folder / "probe").unlink()
    return True


def test_a_refusal_leaves_nothing_however_deep_it_was(made, outside):
    files = [(f"{'/'.join('d' * number)}/f", b"1") for number in range(1, 101)]
    with pytest.raises(ArchiveRefused):
        extract(made(".tar.gz", [*files, ("../evil", b"2")]), outside / "in")
    assert not list((outside / "in").iterdir())


def test_what_a_killed_process_left_is_swept_a_day_later(made, outside):
    folder = outside / "in"
    for name in ("old", "new"):
        (folder / f".taskcluster-{name}.extract" / "half").mkdir(parents=True)
    os.utime(folder / ".taskcluster-old.extract", (0, 0))
    extract(made(".zip", [("a", b"1")]), folder)
    assert sorted(path.name for path in folder.iterdir()) == [".taskcluster-new.extract", "a"]


def test_two_at_once_into_one_folder_do_not_disturb_each_other(made, outside):
    archives = [made(kind, [(f"{kind}/{number}", NOISE[:50_000]) for number in range(50)]) for kind in BOTH]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda archive: extract(archive, outside / "in"), archives))
    assert len(tree(outside / "in")) == 100


def test_a_killed_process_leaves_nothing_under_a_final_name(made, outside, preloaded):
    archive = made(".tar.gz", [("a", b"1"), ("b", NOISE)])
    code = f"""
import os, signal
from airflow_provider_taskcluster.transfer.archive.extract import extract
calls = []
def check():
    calls.append(1)
    if len(calls) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
extract({str(archive)!r}, {str(outside / "in")!r}, check=check)
"""
    assert preloaded.finished(code).returncode == -9
    assert [path.suffix for path in (outside / "in").iterdir()] == [".extract"]
    extract(archive, outside / "in")
    assert (outside / "in" / "b").read_bytes() == NOISE


def test_it_ends_when_it_is_told_to(made, outside):
    calls = []

    def check():
        calls.append(1)
        if len(calls) == 3:
            raise Interrupted("told to stop")

    with pytest.raises(Interrupted):
        extract(made(".tar.gz", [("a", b"1"), ("b", NOISE)]), outside / "in", check=check)
    assert not list((outside / "in").iterdir())


def test_a_full_disk_leaves_nothing_and_is_not_the_fault_of_the_archive(made, tmp_path):
    mount = tmp_path / "disk"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mount]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small disk")
    try:
        with pytest.raises(DestinationError, match="the disk is full") as caught:
            extract(made(".zip", [("a", b"1"), ("b", NOISE)]), mount / "in")
        assert caught.value.transient
        assert not list((mount / "in").iterdir())
    finally:
        subprocess.run(["umount", "--lazy", mount], check=True)

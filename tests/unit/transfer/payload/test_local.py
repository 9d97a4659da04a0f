"""Files of a payload in a folder of this machine: whatever is in that folder, nothing is written outside of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_taskcluster.exceptions import DestinationError, NameRefused
from airflow_provider_taskcluster.transfer.payload.file_names import refused_names
from airflow_provider_taskcluster.transfer.payload.local import LocalDestination
from airflow_provider_taskcluster.transfer.sink.directory import Directory

SECRET = b"not to be touched"


@pytest.fixture
def outside(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(SECRET)
    return tmp_path / "outside"


@pytest.fixture
def destination(tmp_path):
    found = LocalDestination(tmp_path / "folder")
    yield found
    found.close()


def put(destination, name, content=b"content"):
    sink = destination.sink(name)
    try:
        sink.begin(len(content))
        sink.write(content)
        sink.commit()
    except BaseException:
        sink.discard()
        raise


def everything(folder):
    """Every file below a folder with its content, links told apart."""
    return {
        str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def test_files_are_put_below_it(destination, tmp_path):
    put(destination, "a/b/c.bin")
    put(destination, "a/d", b"")
    assert everything(tmp_path / "folder") == {"a/b/c.bin": b"content", "a/d": b""}
    assert destination.path_of("a/d") == str(tmp_path / "folder" / "a" / "d")
    assert destination.existing("a/b/c.bin").size == 7
    assert destination.existing("a/x") is None
    assert destination.existing("x/y/z") is None


def test_a_link_on_the_way_to_the_folder_is_its_owners_choice(tmp_path, outside):
    (tmp_path / "way").symlink_to(outside)
    put(LocalDestination(tmp_path / "way" / "folder"), "a")
    assert (outside / "folder" / "a").read_bytes() == b"content"


@pytest.mark.parametrize("target", ["../outside", "../outside/file", "nowhere", "/", "..", "loop"])
@pytest.mark.parametrize("name", ["link", "link/file", "link/new/file"])
def test_a_link_in_the_folder_is_never_followed(destination, tmp_path, outside, target, name):
    link = tmp_path / "folder" / "link"
    link.symlink_to(target)
    for use in (destination.existing, put.__get__(destination)):
        with pytest.raises(NameRefused, match="link"):
            use(name)
    assert everything(outside) == {"file": SECRET}
    assert everything(tmp_path / "folder") == {"link": target}


def test_a_link_that_comes_later_is_replaced_and_not_followed(destination, tmp_path, outside):
    sink = destination.sink("file")
    sink.begin(None)
    sink.write(b"content")
    (tmp_path / "folder" / "file").symlink_to(outside / "file")
    sink.commit()
    assert everything(outside) == {"file": SECRET}
    assert everything(tmp_path / "folder") == {"file": b"content"}


def test_a_folder_that_becomes_a_link_later_leads_nowhere(destination, tmp_path, outside):
    put(destination, "a/first")
    sink = destination.sink("a/second")
    sink.begin(None)
    (tmp_path / "folder" / "a").rename(tmp_path / "folder" / "moved")
    (tmp_path / "folder" / "a").symlink_to(outside)
    sink.write(b"content")
    sink.commit()
    assert everything(outside) == {"file": SECRET}
    assert (tmp_path / "folder" / "moved" / "second").read_bytes() == b"content"


def foreign_link(path, outside):
    path.symlink_to(outside / "file")


def foreign_hard_link(path, outside):
    os.link(outside / "file", path)


def foreign_pipe(path, _):
    os.mkfifo(path)


def foreign_folder(path, _):
    path.mkdir()


FOREIGN = [foreign_link, foreign_hard_link, foreign_pipe, foreign_folder]


@pytest.mark.parametrize("plant", FOREIGN)
@pytest.mark.parametrize("kind", ["_partial", "_checkpoint_name"])
def test_what_others_put_under_the_names_of_partial_files_and_records_is_not_used(
    destination, tmp_path, outside, plant, kind
):
    name = getattr(destination.sink("file"), kind)
    plant(tmp_path / "folder" / name, outside)
    planted = (tmp_path / "folder" / name).lstat()
    if plant is foreign_folder and kind == "_checkpoint_name":
        with pytest.raises(DestinationError):
            put(destination, "file")
        assert not (tmp_path / "folder" / "file").exists()
    else:
        put(destination, "file")
        assert (tmp_path / "folder" / "file").read_bytes() == b"content"
    if kind == "_partial":
        assert (tmp_path / "folder" / name).lstat().st_ino == planted.st_ino
    assert everything(outside) == {"file": SECRET}


@pytest.mark.parametrize("plant", [foreign_hard_link, foreign_pipe])
def test_what_others_put_under_the_name_of_the_journal_is_not_written_to(destination, tmp_path, outside, plant):
    plant(tmp_path / "folder" / "journal", outside)
    if plant is foreign_pipe:
        with pytest.raises(DestinationError):
            destination.append("journal", b"line")
    else:
        assert destination.read("journal") is None
        destination.append("journal", b"line")
        assert destination.read("journal") == b"\nline"
    assert everything(outside) == {"file": SECRET}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_records_of_another_user_are_not_read(destination, tmp_path):
    for name in ("manifest", "journal"):
        destination.write(name, b"forged")
        os.chown(tmp_path / "folder" / name, 12345, -1)
        assert destination.read(name) is None
    destination.append("journal", b"line")
    assert destination.read("journal") == b"\nline"
    destination.write("manifest", b"ours")
    assert destination.read("manifest") == b"ours"


def test_a_hard_link_to_a_file_outside_is_replaced_and_not_written_to(destination, tmp_path, outside):
    os.link(outside / "file", tmp_path / "folder" / "file")
    put(destination, "file")
    assert everything(outside) == {"file": SECRET}
    assert everything(tmp_path / "folder") == {"file": b"content"}


def test_what_is_no_file_is_refused_and_nobody_waits_for_it(destination, tmp_path):
    folder = tmp_path / "folder"
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket"))
        for name, kind in [("pipe", "no regular file"), ("folder", "a folder"), ("socket", "no regular file")]:
            with pytest.raises(NameRefused, match=kind):
                put(destination, name)
        with pytest.raises(NameRefused, match="in the way"):
            put(destination, "pipe/file")


def test_small_files_are_read_and_written_without_following_links(destination, tmp_path, outside):
    for name in ("manifest", "journal"):
        (tmp_path / "folder" / name).symlink_to(outside / "file")
    with pytest.raises(NameRefused, match="symbolic link"):
        destination.read("manifest")
    with pytest.raises(DestinationError):
        destination.append("journal", b"line")
    destination.write("manifest", b"new")
    assert destination.read("manifest") == b"new"
    assert everything(outside) == {"file": SECRET}


def test_lines_are_appended_by_several_at_once(destination, tmp_path):
    other = LocalDestination(tmp_path / "folder")
    lines = {f"line {number}".encode() * 50 for number in range(200)}

    def append(to, some):
        for line in some:
            to.append("journal", line)

    threads = [
        threading.Thread(target=append, args=(to, some)) for to in (destination, other) for some in (lines, lines)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert set(destination.read("journal").splitlines()) - {b""} == lines


def test_whether_case_matters_is_tried_and_leaves_nothing(destination, tmp_path):
    (tmp_path / "a").touch()
    assert destination.case_sensitive is not (tmp_path / "A").exists()
    assert everything(tmp_path / "folder") == {}


hostile = st.text(st.sampled_from("ab/.\\:\0 \nL"), min_size=1, max_size=9) | st.sampled_from(
    ["link/file", "link", "link/../../outside/file", "../outside/file", "a/link/x", "/tmp/x", "a/b", "a", "A/B"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(hostile, unique=True, max_size=8), st.sampled_from(["link", "a/link", "b", "file"]))
def test_whatever_the_names_nothing_outside_is_written_and_what_is_accepted_is_there(tmp_path, outside, names, link):
    shutil.rmtree(tmp_path / "folder", ignore_errors=True)
    destination = LocalDestination(tmp_path / "folder")
    (tmp_path / "folder" / link).parent.mkdir(exist_ok=True)
    (tmp_path / "folder" / link).symlink_to(outside)
    accepted = [name for name in names if name not in refused_names(names, case_sensitive=destination.case_sensitive)]
    stored = set()
    for name in accepted:
        with contextlib.suppress(NameRefused):
            put(destination, name, name.encode())
            stored.add(name)
    destination.close()
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "outside"}
    assert everything(outside) == {"file": SECRET}
    expected = {name: name.encode() for name in stored} | {link: str(outside)}
    assert everything(tmp_path / "folder") == expected
    crossing = {name for name in accepted if f"{name}/".startswith(f"{link}/") or f"{link}/".startswith(f"{name}/")}
    assert stored == set(accepted) - crossing


def test_no_descriptor_is_left_open(destination):
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 (of the system, not of the test's)
    for number in range(20):
        put(destination, f"{number}/a/b")
        destination.existing(f"{number}/a/b").digests(["sha256"])
        with pytest.raises(NameRefused):
            destination.existing(f"{number}/a")
    sink = destination.sink("never/begun")
    sink.resume("key")
    sink.discard()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 (as above)


def test_a_folder_is_closed_once(tmp_path):
    folder = Directory.at(tmp_path, make=False)
    folder.close()
    folder.close()
    with Path("/dev/null").open("rb") as other:
        del folder
        assert os.fstat(other.fileno())

"""Hostile members of archives: names that cannot be, clash or lead out, links, devices."""

from __future__ import annotations

import stat
import tarfile
import zipfile

import pytest
from archives_to_extract import BOTH, refused, tar_member, tree, zip_member
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_taskcluster.exceptions import ArchiveRefused
from airflow_provider_taskcluster.transfer.archive.extract import extract


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(
    "name",
    [
        *("/absolute", "//absolute", "../up", "a/../../up", "a/..", "..", "C:/drive", "c:drive", "back\\slash"),
        *("..\\up", "a/b\x07c", "new\nline", "a/\x7f", ".taskcluster-0123.part", "a/.taskcluster-0123.json"),
        *(".TaskCluster-0123.part", ".taskcluster-lock"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(made, outside, kind, name):
    error = refused(made(kind, [("good", b"1"), (name, b"2")]), outside, "is not a name inside a folder: nothing of it")
    assert repr(name) in str(error)


def test_a_nul_in_the_name_of_a_zip_is_refused(outside, tmp_path):
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr(zip_member("safe_evil"), b"1")
    archive.write_bytes(archive.read_bytes().replace(b"safe_evil", b"safe\0evil"))
    refused(archive, outside, None)


def test_a_name_longer_than_the_file_system_takes_is_refused(made, outside):
    refused(made(".tar.gz", [("n" * 300, b"1")]), outside, "is no name that this file system can carry")


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(
    ("name", "target"),
    [
        *[("link", "/etc/passwd"), ("link", ".."), ("link", "../precious"), ("a/link", "../../precious")],
        *[("a/link", "b/../../.."), ("link", "a/.."), ("link", ""), ("link", "C:\\"), ("link", ".taskcluster-1.part")],
        *[("link", "/"), ("link", "./.."), ("a/link", "./../.."), ("link", ".TaskCluster-1.part"), ("link", "a\\b")],
    ],
)
def test_a_link_that_leads_out_or_may_is_refused(made, outside, kind, name, target):
    files = [("a/b/c", b"1"), (name, ("link", target))]
    refused(made(kind, files), outside, "is a link to .* which leads out|cannot be extracted")


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(
    "files",
    [
        [("x", ("link", "a")), ("x/evil", b"1")],
        [("x/evil", b"1"), ("x", ("link", "a"))],
        [("a", b"1"), ("a", b"2")],
        [("a", b"1"), ("a/b", b"2")],
        [("a/b", b"2"), ("a", b"1")],
        [("a/b", b"2"), ("./a//b", b"1")],
        [("a", ("link", "b")), ("a", b"2")],
        [("a", ("link", "b")), ("a", ("link", "c"))],
        [("a", ("link", "b")), ("a/", b"")],
    ],
    ids=lambda files: " ".join(name for name, _ in files),
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_clash_are_refused(made, outside, kind, files):
    refused(made(kind, [("a0", b""), *files]), outside, "is there twice")


@pytest.mark.parametrize("kind", BOTH)
def test_a_chain_of_links_stays_inside_and_nothing_is_written_through_it(made, outside, kind):
    """As in CVE-2025-4517, which led the standard library out of its folder."""
    steps = [(f"{'d' * 200}{number}", ("link", f"{'d' * 200}{number + 1}")) for number in range(30)]
    extract(made(kind, [*steps, (f"{'d' * 200}30/file", b"1"), ("a/b/back", ("link", "../.."))]), outside / "in")
    assert (outside / "in" / f"{'d' * 200}0" / "file").read_bytes() == b"1"
    assert all(path.resolve().is_relative_to(outside / "in") for path in (outside / "in").rglob("*"))


@pytest.mark.parametrize(
    "kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE], ids=["character", "block", "fifo"]
)
def test_a_device_is_refused(outside, tmp_path, kind):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(*tar_member("good", b"1"))
        archive.addfile(*tar_member("dev", kind=kind))
    refused(tmp_path / "a.tar", outside, "'dev' in the archive is a device or another special file")


def test_a_device_in_a_zip_is_refused(outside, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(zip_member("dev", stat.S_IFCHR | 0o666), b"")
    refused(tmp_path / "a.zip", outside, "'dev' in the archive is a device")


@pytest.mark.parametrize("target", ["../precious", "/etc/passwd", "absent", "later", "", ".", "hard"])
def test_a_hard_link_to_what_is_no_file_before_it_is_refused(outside, tmp_path, target):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(*tar_member("hard", kind=tarfile.LNKTYPE, target=target))
        archive.addfile(*tar_member("later", b"1"))
    refused(tmp_path / "a.tar", outside, "is a link to what is no file before it|is not a name inside")


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("target", [".", "./", "././"])
def test_a_link_to_the_folder_that_it_stands_in_is_made(made, outside, kind, target):
    extract(
        made(kind, [("usr/bin/X", b"1"), ("usr/bin/X11", ("link", target)), ("here", ("link", "."))]), outside / "in"
    )
    assert (outside / "in" / "usr" / "bin" / "X11").readlink().as_posix() == "."
    assert (outside / "in" / "here" / "usr" / "bin" / "X11" / "X11" / "X").read_bytes() == b"1"


def test_a_hard_link_to_a_symbolic_link_is_a_second_one(outside, tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(*tar_member("d/soft", kind=tarfile.SYMTYPE, target="../file"))
        archive.addfile(*tar_member("d/e/hard", kind=tarfile.LNKTYPE, target="d/soft"))
        archive.addfile(*tar_member("d/again", kind=tarfile.LNKTYPE, target="d/e/hard"))
    extract(tmp_path / "a.tar", outside / "in")
    assert set(tree(outside / "in").values()) == {("link", "../file")}
    assert tree(outside / "in").keys() == {"d/soft", "d/e/hard", "d/again"}


def test_a_hard_link_to_a_symbolic_link_does_not_lead_out_of_the_folder(outside, tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(*tar_member("d/soft", kind=tarfile.SYMTYPE, target="../file"))
        archive.addfile(*tar_member("hard", kind=tarfile.LNKTYPE, target="d/soft"))
    refused(tmp_path / "a.tar", outside, "'hard' in the archive is a link to '../file', which leads out")


@pytest.mark.parametrize("kind", BOTH)
def test_links_in_a_circle_are_made_and_followed_by_nobody(made, outside, kind):
    extract(made(kind, [("a", ("link", "b")), ("b", ("link", "a")), ("c", ("link", "c"))]), outside / "in")
    assert tree(outside / "in") == {"a": ("link", "b"), "b": ("link", "a"), "c": ("link", "c")}


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("name", ["{}/f", "{}/", "{}/x/y/z/f"], ids=["file", "folder", "deeper"])
def test_what_lies_too_deep_is_refused(made, outside, kind, name):
    name = name.format("/".join("d" * 101))
    refused(made(kind, [("good", b"1"), (name, b"")]), outside, "is more than 100 folders deep")


@pytest.mark.parametrize("kind", BOTH)
def test_what_lies_100_folders_deep_is_extracted(made, outside, kind):
    deep = "/".join("d" * 100)
    extract(made(kind, [(f"{deep}/f", b"1"), (f"{deep}/", b"")]), outside / "in")
    assert (outside / "in" / deep / "f").read_bytes() == b"1"


names = st.lists(st.sampled_from(["a", "b", "..", ".", "", "/", "c\\", "C:", "\x00"]), min_size=1, max_size=4).map(
    "/".join
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(names, st.none() | names, st.booleans()), min_size=1, max_size=5))
def test_whatever_the_names_and_targets_nothing_is_outside(tmp_path_factory, members):
    around = tmp_path_factory.mktemp("around")
    archive = around / "a.tar"
    with tarfile.open(archive, "w") as opened:
        for name, target, hard in members:
            kind = tarfile.REGTYPE if target is None else tarfile.LNKTYPE if hard else tarfile.SYMTYPE
            opened.addfile(*tar_member(name, b"" if target is not None else b"x", kind=kind, target=target or ""))
    try:
        extract(archive, around / "in" / "deep")
    except ArchiveRefused:
        assert not list((around / "in" / "deep").iterdir())
    assert {path.name for path in around.iterdir()} == {"a.tar", "in"}
    assert [path.name for path in (around / "in").iterdir()] == ["deep"]
    inside = (around / "in" / "deep").resolve()
    for path in inside.rglob("*"):
        if path.is_symlink() and path.exists():
            assert path.resolve().is_relative_to(inside)

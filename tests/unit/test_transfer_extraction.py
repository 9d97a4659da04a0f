"""Archives of all kinds, good and hostile."""

from __future__ import annotations

import io
import os
import random
import stat
import subprocess
import sys
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_taskcluster.exceptions import ArchiveRefused, DestinationError, Interrupted, NameRefused, TooLarge
from airflow_provider_taskcluster.transfer.archives import is_archive
from airflow_provider_taskcluster.transfer.extraction import Extracted, ExtractionLimits, extract

TAR = {".tar": "", ".tar.gz": "gz", ".tgz": "gz", ".tar.bz2": "bz2", ".tar.xz": "xz"}
KINDS = [".zip", *TAR]
BOTH = [".zip", ".tar.gz"]
NOISE = random.Random(7).randbytes(3_000_000)


def tar_member(name, content=b"", *, kind=tarfile.REGTYPE, target="", mode=0o644):
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname, member.mode = len(content), kind, target, mode
    return member, io.BytesIO(content)


def zip_member(name, mode=stat.S_IFREG | 0o644):
    info = zipfile.ZipInfo(name)
    info.filename = info.orig_filename = name
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


@pytest.fixture
def outside(tmp_path):
    """The folder around the destination, in which nothing may change."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "precious").write_text("untouched")
    return folder


@pytest.fixture
def made(outside):
    """Make an archive of one kind from names and contents; a content may be ("link", target)."""

    def make(kind, files):
        path = outside.parent / f"archive{kind}"
        if kind == ".zip":
            with zipfile.ZipFile(path, "w") as archive:
                for name, content in files:
                    link = isinstance(content, tuple)
                    info = zip_member(name, stat.S_IFLNK | 0o777 if link else stat.S_IFREG | 0o644)
                    archive.writestr(info, content[1] if link else content)
            return path
        with tarfile.open(path, f"w:{TAR[kind]}") as archive:
            for name, content in files:
                if isinstance(content, tuple):
                    archive.addfile(*tar_member(name, kind=tarfile.SYMTYPE, target=content[1]))
                elif name.endswith("/"):
                    archive.addfile(*tar_member(name, kind=tarfile.DIRTYPE, mode=0o755))
                else:
                    archive.addfile(*tar_member(name, content))
        return path

    return make


def tree(folder):
    """Names below a folder, with the content of files and the target of links."""
    return {
        str(path.relative_to(folder)): ("link", str(path.readlink())) if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or not path.is_dir()
    }


def refused(archive, outside, why, error=ArchiveRefused, limits=None):
    """Nothing is left of an archive that is refused, inside or outside."""
    folder = outside / "in"
    with pytest.raises(error, match=why) as caught:
        extract(archive, folder, limits)
    assert tree(outside) == {"precious": b"untouched"}
    assert not list(folder.iterdir())
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_in_an_archive_comes_out(made, outside, kind):
    files = [("a", b"1"), ("./b/c", NOISE), ("b/d", b""), ("b/up", ("link", "../a")), ("empty/", b""), ("b//e", b"5")]
    result = extract(made(kind, files), outside / "in" / "new")
    assert tree(outside / "in" / "new") == {
        "a": b"1",
        "b/c": NOISE,
        "b/d": b"",
        "b/e": b"5",
        "b/up": ("link", "../a"),
    }
    assert (outside / "in" / "new" / "empty").is_dir()
    assert result == Extracted(str(outside / "in" / "new"), 5, len(NOISE) + 2)
    assert is_archive(f"public/x{kind.upper()}")


@pytest.mark.parametrize("name", ["a.txt", "a.gz", "zip", "a.zip.sha256", "a.7z"])
def test_other_files_are_no_archives(name):
    assert not is_archive(name)


def test_what_python_and_tar_pack_comes_out_as_it_was(outside, tmp_path):
    source = tmp_path / "source"
    (source / "bin").mkdir(parents=True)
    (source / "bin" / "run").write_bytes(b"#!")
    (source / "bin" / "run").chmod(0o6775)
    (source / "bin" / "other").hardlink_to(source / "bin" / "run")
    (source / ("n" * 150)).write_text("a long name")
    (source / "sparse").write_bytes(b"x")
    os.truncate(source / "sparse", 2_000_000)
    subprocess.run(["tar", "-C", source, "-czSf", tmp_path / "a.tar.gz", "."], check=True)
    extract(tmp_path / "a.tar.gz", outside / "in")
    assert tree(outside / "in") == tree(source)
    run = (outside / "in" / "bin" / "run").stat()
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(run.st_mode) == 0o777 & ~umask, "executable, and neither setuid nor setgid"
    assert stat.S_IMODE((outside / "in" / "sparse").stat().st_mode) == 0o666 & ~umask
    assert run.st_nlink == 2


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(
    "name",
    [
        *("/absolute", "//absolute", "../up", "a/../../up", "a/..", "..", "C:/drive", "c:drive", "back\\slash"),
        *("..\\up", "a/b\x07c", "new\nline", "a/\x7f", ".taskcluster-0123.part", "a/.taskcluster-0123.json"),
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


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(
    ("name", "target"),
    [
        *[("link", "/etc/passwd"), ("link", ".."), ("link", "../precious"), ("a/link", "../../precious")],
        *[("a/link", "b/../../.."), ("link", "a/.."), ("link", ""), ("link", "C:\\"), ("link", ".taskcluster-1.part")],
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


@pytest.mark.parametrize("target", ["../precious", "/etc/passwd", "absent", "later", "soft"])
def test_a_hard_link_to_what_is_no_file_before_it_is_refused(outside, tmp_path, target):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(*tar_member("soft", kind=tarfile.SYMTYPE, target="later"))
        archive.addfile(*tar_member("hard", kind=tarfile.LNKTYPE, target=target))
        archive.addfile(*tar_member("later", b"1"))
    refused(tmp_path / "a.tar", outside, "is a link to what is no file before it|is not a name inside")


@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb_ends_at_the_limit(made, outside, kind):
    archive = made(kind, [("zeros", bytes(50_000_000))])
    limits = ExtractionLimits(max_bytes=10_000_000)
    refused(archive, outside, "holds more than 10000000 bytes: raise max_bytes", TooLarge, limits)
    assert extract(archive, outside / "in", ExtractionLimits(max_bytes=50_000_000)).size == 50_000_000


def test_a_zip_that_lies_about_a_size_is_refused(made, outside):
    archive = made(".zip", [("zeros", bytes(1_000_000))])
    size = (1_000_000).to_bytes(4, "little")
    assert archive.read_bytes().count(size) == 2
    archive.write_bytes(archive.read_bytes().replace(size, (10).to_bytes(4, "little")))
    refused(archive, outside, "cannot be extracted: .*CRC")


@pytest.mark.parametrize("kind", BOTH)
def test_too_many_files_end_at_the_limit(made, outside, kind):
    archive = made(kind, [(f"{number}", b"") for number in range(101)])
    refused(archive, outside, "more than 100 files: raise max_files", TooLarge, ExtractionLimits(max_files=100))
    assert extract(archive, outside / "in", ExtractionLimits(max_files=101)).files == 101


@pytest.mark.parametrize("kind", BOTH)
def test_folders_on_the_way_count_too(made, outside, kind):
    archive = made(kind, [("/".join("d" * 50) + f"/{number}", b"") for number in range(50)])
    refused(archive, outside, "more than 99 files", TooLarge, ExtractionLimits(max_files=99))
    assert extract(archive, outside / "in", ExtractionLimits(max_files=100)).files == 50


def test_a_directory_of_a_zip_that_is_far_too_large_is_not_even_read(outside, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(40):
            info = zip_member(f"{number}")
            info.comment = b"c" * 60_000
            archive.writestr(info, b"")
    refused(tmp_path / "a.zip", outside, "larger than all that is allowed", TooLarge, ExtractionLimits(max_files=100))


def test_a_name_in_a_tar_that_is_far_too_large_is_not_even_read(outside, tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(*tar_member("n" * 50_000_000, b""))
    refused(tmp_path / "a.tar.gz", outside, "larger than all that is allowed", TooLarge, ExtractionLimits(max_files=9))


def cut(data):
    del data[len(data) // 2 :]


def flip(data):
    data[len(data) // 2] ^= 1


def replace_by_text(data):
    data[:] = b"<html>404</html>" * 1000


def break_the_second_header(data):
    data[1024:1536] = b"\x01" * 512


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        *((kind, damage) for kind in KINDS for damage in (cut, bytearray.clear, replace_by_text)),
        *((kind, flip) for kind in KINDS if kind != ".tar"),  # which has no sums of its contents
        (".tar", break_the_second_header),  # which is compressed in others, or in the directory once more
    ],
)
def test_a_broken_archive_is_refused_whole(made, outside, kind, damage):
    archive = made(kind, [("a", b"1"), ("b", NOISE[:100_000]), ("c", b"3")])
    data = bytearray(archive.read_bytes())
    damage(data)
    archive.write_bytes(data)
    refused(archive, outside, None)


def test_two_archives_in_one_are_refused_and_none_is_lost(made, outside):
    archive = made(".tar", [("a", b"1")])
    archive.write_bytes(archive.read_bytes() * 2)
    refused(archive, outside, "another one is behind it")


def test_an_endless_end_is_refused(made, outside):
    archive = made(".tar", [("a", b"1")])
    os.truncate(archive, 10**12)
    refused(archive, outside, "broken, or another one is behind it")


def test_an_encrypted_zip_is_refused(made, outside):
    archive = made(".zip", [("a", b"1")])
    data = bytearray(archive.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    archive.write_bytes(data)
    refused(archive, outside, "'a' in the archive is encrypted")


def test_a_name_longer_than_the_file_system_takes_is_refused(made, outside):
    refused(made(".tar.gz", [("n" * 300, b"1")]), outside, "is no name that this file system can carry")


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


def test_an_archive_that_vanished_is_refused(outside, tmp_path):
    refused(tmp_path / "absent.zip", outside, "cannot be extracted: .*No such file")


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


def test_a_killed_process_leaves_nothing_under_a_final_name(made, outside):
    archive = made(".tar.gz", [("a", b"1"), ("b", NOISE)])
    code = f"""
import os, signal
from airflow_provider_taskcluster.transfer.extraction import extract
calls = []
def check():
    calls.append(1)
    if len(calls) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
extract({str(archive)!r}, {str(outside / "in")!r}, check=check)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == -9
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


def test_memory_does_not_grow_with_what_is_in_it(outside, tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz", compresslevel=1) as archive:
        member = tarfile.TarInfo("zeros")
        member.size = 200_000_000
        with Path("/dev/zero").open("rb") as zeros:
            archive.addfile(member, zeros)
    code = f"""
import resource
from airflow_provider_taskcluster.transfer.extraction import extract
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
extract({str(tmp_path / "a.tar.gz")!r}, {str(outside / "in")!r})
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    grown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(grown.stdout.split()[-1]) < 30_000

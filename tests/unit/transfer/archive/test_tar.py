"""Features of tar files alone: no directory, headers before headers, sparse files, missing end marks."""

from __future__ import annotations

import contextlib
import io
import subprocess
import tarfile
import time

import pytest
from archives_to_extract import refused, tar_member, tar_of, tree

from airflow_provider_taskcluster.exceptions import ArchiveRefused, TooLarge
from airflow_provider_taskcluster.transfer.archive.extract import extract
from airflow_provider_taskcluster.transfer.archive.extraction_limits import ExtractionLimits
from airflow_provider_taskcluster.transfer.archive.pax import usable_records

FILES = [("a", b"1" * 700), ("b", b"2" * 700)]
END = bytes(1024)


def block(name, content=b"", *, size=None, kind=b"0", target="", stored=None):
    """One header and its content, whatever it says."""
    header = tarfile.TarInfo(name)
    header.type, header.linkname = kind, target
    header.size = len(content) if size is None else size
    data = header.tobuf(tarfile.GNU_FORMAT)
    content = content if stored is None else stored
    return data + content + bytes(-len(content) % 512)


def pax(*records, kind=b"x", size=None):
    """A pax header with these records as they are."""
    return block("header", b"".join(records), kind=kind, size=size)


def record(key, value):
    length = len(f" {key}={value}\n".encode())
    length += next(digits for digits in range(1, 9) if len(str(length + digits)) == digits)
    return f"{length} {key}={value}\n".encode()


@pytest.fixture
def archive(tmp_path):
    def write(*blocks, end=END):
        (tmp_path / "a.tar").write_bytes(b"".join(blocks) + end)
        return tmp_path / "a.tar"

    return write


@pytest.mark.parametrize("end", range(0, 1536 * 2 + 512, 128))
def test_an_archive_that_is_cut_anywhere_is_refused(archive, outside, end):
    whole = tar_of(FILES)
    refused(archive(whole[:end], end=b""), outside, "cannot be extracted")


@pytest.mark.parametrize("length", [512, 513, 1024, 10240, 70_000])
def test_one_block_of_zeros_is_an_end(archive, outside, length):
    extract(archive(block("a", b"1"), end=bytes(length)), outside / "in")
    assert tree(outside / "in") == {"a": b"1"}


@pytest.mark.parametrize(
    "end", [bytes(512) + b"x", bytes(1024) + block("b", b"2") + END, bytes(512) + block("b") + END]
)
def test_what_is_behind_the_end_is_refused(archive, outside, end):
    refused(archive(block("a", b"1"), end=end), outside, "it is broken, or another one is behind it")


def test_a_file_whose_name_ends_with_a_slash_is_a_folder(archive, outside):
    extract(archive(block("d/"), block("d/f", b"1")), outside / "in")
    assert tree(outside / "in") == {"d/f": b"1"}


def test_a_file_whose_name_ends_with_a_slash_and_has_content_is_refused(archive, outside):
    refused(archive(block("d/", b"content")), outside, "'d/' in the archive is a folder, and has the content of a file")


def test_pax_headers_give_names_and_sizes(archive, outside):
    long = "/".join("ż" * 100 for _ in range(3))
    extract(
        archive(
            pax(record("comment", "x" * 5000), record("path", "no"), record("path", long), record("mtime", "1.5")),
            block("short", b"1" * 600, size=600),
            pax(record("size", "3"), record("SCHILY.xattr.user.x", "\0=\n")),
            block("b", size=0, stored=b"234"),
            pax(record("linkpath", long)),
            block("link", kind=tarfile.SYMTYPE, target="no"),
            pax(record("comment", "of all"), kind=b"g"),
            block("c", b"5"),
        ),
        outside / "in",
    )
    assert tree(outside / "in") == {long: b"1" * 600, "b": b"234", "c": b"5", "link": ("link", long)}


@pytest.mark.parametrize(
    "header",
    [
        [b"x"],
        [b"5"],
        [b"0 path=x\n"],
        [b"99 path=x\n"],
        [b"8 path=x\n"],
        [b"-9 path=x\n"],
        [b"\xc2\xb2 path=x\n"],
        [b"10 path=xx\0"],
        [b"8 pathx\n"],
        [record("path", "a"), b"x"],
        [record("size", "x")],
        [record("size", "-1")],
        [record("size", "1e3")],
        [record("size", "9" * 21)],
        [record("size", "9" * 20)],
        [record("size", "")],
        [record("path", "../evil")],
        [record("path", "/evil")],
        [record("GNU.sparse.name", "../evil")],
        [record("path", "a\0b")],
        [record("path", "x/" * 2100)],
        [record("path", "1" * 5000)],
        [record("GNU.sparse.map", "0,a"), record("GNU.sparse.size", "1")],
        [record("GNU.sparse.realsize", "0")],
        [record("GNU.sparse.realsize", "699")],
        [record("size", "700"), record("GNU.sparse.realsize", "699")],
        [record("GNU.sparse.realsize", "5000")],
        [record("GNU.sparse.major", "1"), record("GNU.sparse.minor", "0")],
        [record("hdrcharset", "x" * 5000)],
    ],
    ids=lambda header: str(header)[:40],
)
@pytest.mark.parametrize("kind", [b"x", b"X"])
def test_hostile_pax_headers_are_refused(archive, outside, header, kind):
    refused(archive(block("good", b"1"), pax(*header, kind=kind), block("a", b"1" * 700), block("b")), outside, None)


@pytest.mark.parametrize(
    "header",
    [
        b"1" * 1_000_000,
        record("comment", "1" * 1_000_000),
        record("x" * 1_000_000, ""),
        b"".join(record("comment", "") for _ in range(80_000)),
        b"".join(record("path", "1" * 4000) for _ in range(250)),
        b"".join(record("GNU.sparse.offset", "1") for _ in range(30_000)) + record("GNU.sparse.size", "1"),
        record("GNU.sparse.map", "0,1," * 250_000 + "0,1"),
    ],
    ids=["digits", "digits in a value", "key", "records", "paths", "offsets", "map"],
)
def test_hostile_pax_headers_take_no_time(archive, outside, header):
    """Before Python 3.11.10 the standard library takes hours for the first of these."""
    begun = time.process_time()
    with contextlib.suppress(ArchiveRefused):
        extract(archive(pax(header), block("a", b"1")), outside / "in")
    assert time.process_time() - begun < 10


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
def test_headers_before_headers_without_end_are_refused(archive, outside, kind):
    header = block("x", record("comment", "x") if kind in b"xg" else b"name\0", kind=kind)
    refused(archive(header * 5000, block("a", b"1")), outside, "cannot be extracted")


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
@pytest.mark.parametrize("size", [-512, -1, 10**12])
def test_headers_of_hostile_sizes_are_refused(archive, outside, kind, size):
    blocks = [block("good", b"1"), block("x", b"content", kind=kind, size=size), block("a", b"1")]
    refused(archive(*blocks), outside, "cannot be extracted|larger than all that is allowed", error=Exception)


@pytest.mark.parametrize("size", [-1, -512, -1536, -(2**60)])
def test_a_file_of_a_negative_size_is_refused(archive, outside, size):
    """As in CVE-2025-8194, where the standard library never comes to an end."""
    refused(archive(block("good", b"1"), block("a", size=size)), outside, "cannot be extracted: its size is -")


@pytest.mark.parametrize(
    "kind", [tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE], ids=["folder", "link", "hard link"]
)
def test_what_has_no_content_and_content_behind_it_is_refused(archive, outside, kind):
    refused(archive(block("good"), block("a", b"1" * 600, kind=kind, target="good")), outside, None)


@pytest.mark.parametrize(
    "options", ["", "--format=pax --sparse-version=0.0", "--format=pax --sparse-version=0.1", "--format=pax"]
)
def test_sparse_files_of_all_kinds_come_out_whole(outside, tmp_path, options):
    source = tmp_path / "source"
    source.mkdir()
    for name, pieces in {"holes": [(100_000, b"1"), (500_000, b"2" * 70_000)], "end": [(0, b"3")], "none": []}.items():
        with (source / name).open("wb") as file:
            for offset, content in pieces:
                file.seek(offset)
                file.write(content)
            file.truncate(1_000_000)
    (source / "many").write_bytes(b"".join(bytes(8192) + b"x" * 8192 for _ in range(60)))
    subprocess.run(["fallocate", "--dig-holes", source / "many"], check=False)
    command = ["tar", "-C", source, *options.split(), "-cSf", tmp_path / "a.tar", "."]
    subprocess.run(command, check=True)
    assert (tmp_path / "a.tar").stat().st_size < 1_500_000
    extract(tmp_path / "a.tar", outside / "in")
    assert tree(outside / "in") == tree(source)


@pytest.mark.parametrize(
    "pieces",
    [[(0, 512), (0, 512)], [(512, 512), (0, 512)], [(0, 600)], [(9000, 512)], [(-512, 512)], [(0, 512)]],
    ids=str,
)
def test_a_sparse_file_whose_map_does_not_fit_is_refused(archive, outside, pieces):
    numbers = ",".join(f"{offset},{size}" for offset, size in pieces)
    header = [record("GNU.sparse.map", numbers), record("GNU.sparse.size", "9000")]
    refused(archive(pax(*header), block("a", b"1" * 1024)), outside, None)


def test_an_old_sparse_map_without_end_is_refused(archive, outside):
    header = bytearray(block("a", kind=tarfile.GNUTYPE_SPARSE, size=0)[:512])
    header[482] = 1
    header[148:156] = b" " * 8
    header[148:155] = b"%06o\0" % sum(header)
    more = b"%011o\0%011o\0" % (1, 1) * 21
    blocks = (more + b"\x01").ljust(512, b"\0") * 40_000
    refused(archive(bytes(header), blocks), outside, "larger than all that is allowed", TooLarge)


def test_headers_of_one_entry_are_bounded_and_contents_are_not(archive, outside):
    large = bytes(20_000_000)
    extract(archive(block("a", large), block("b", large)), outside / "in", ExtractionLimits(max_files=3))
    assert (outside / "in" / "b").stat().st_size == len(large)


def test_records_that_count_are_kept_as_they_are():
    path, size = record("path", "x=y\nz"), record("size", "12")
    other = record("SCHILY.xattr.security.capability", "1" * 100)
    twice = record("GNU.sparse.offset", "1")
    assert usable_records(record("path", "old") + other + size + path + twice + twice) == path + size + twice + twice
    assert usable_records(b"") == usable_records(other) == b""


def test_a_member_that_tarfile_wrote_is_read_back(archive, outside):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "x"}) as packed:
        packed.addfile(*tar_member("ä" * 120, b"1"))
        packed.addfile(*tar_member("link", kind=tarfile.SYMTYPE, target="ö" * 120))
    extract(archive(data.getvalue(), end=b""), outside / "in")
    assert tree(outside / "in") == {"ä" * 120: b"1", "link": ("link", "ö" * 120)}

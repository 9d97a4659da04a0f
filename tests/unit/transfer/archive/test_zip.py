"""Features of zip files alone: a central directory, flags of old systems, names in two encodings."""

from __future__ import annotations

import io
import stat
import struct
import subprocess
import sys
import zipfile
import zlib

import pytest
from archives_to_extract import refused, tree, zip_member

from airflow_provider_taskcluster.transfer.archive.extract import extract

OLD = "otchet.txt"
NEW = "отчёт.txt"


def unicode_path(name, of=OLD, version=1):
    """The extra field 0x7075 with a name, made for another one."""
    name = name.encode() if isinstance(name, str) else name
    content = bytes([version]) + struct.pack("<L", zlib.crc32(of.encode())) + name
    return struct.pack("<2H", 0x7075, len(content)) + content


@pytest.fixture
def packed(tmp_path):
    """Pack entries of a name, attributes, content, extra fields, method."""

    def pack(*entries):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            for name, attributes, content, extra, *method in entries:
                info = zip_member(name)
                info.external_attr, info.extra = attributes, extra
                info.compress_type = method[0] if method else zipfile.ZIP_DEFLATED
                archive.writestr(info, content)
        return tmp_path / "a.zip"

    return pack


@pytest.mark.parametrize(
    ("extra", "name"),
    [
        (unicode_path(NEW), NEW),
        (unicode_path("zażółć/gęślą"), "zażółć/gęślą"),
        (unicode_path(NEW, of="another"), OLD),
        (unicode_path(NEW, version=2), OLD),
        (unicode_path(""), OLD),
        (unicode_path(NEW, of="another") + unicode_path("x"), "x"),
        (unicode_path(NEW) * 2, NEW),
        (b"\x99\x99\x01\x00x" + unicode_path(NEW), NEW),
        (b"\x75\x70\x02\x00\x01\x02", OLD),
        (b"", OLD),
    ],
)
def test_the_unicode_path_field_gives_the_name_that_it_was_made_for(packed, outside, extra, name):
    extract(packed((OLD, 0, b"1", extra)), outside / "in")
    assert tree(outside / "in") == {name: b"1"}


@pytest.mark.parametrize(
    "name", ["/a", "../a", "a/../../b", "C:\\a", "a\\b", "a\0b", "a\nb", ".taskcluster-1.part", "..", "."]
)
def test_names_of_unicode_path_fields_are_checked_as_all_names(packed, outside, name):
    refused(packed(("good", 0, b"1", b""), (OLD, 0, b"2", unicode_path(name))), outside, None)


@pytest.mark.parametrize(
    "extra",
    [
        unicode_path(NEW) + unicode_path("other"),
        unicode_path(b"\xff\xfe"),
        unicode_path(NEW)[:-1],
    ],
    ids=["two names", "not UTF-8", "cut off"],
)
def test_unicode_path_fields_that_are_broken_are_refused(packed, outside, extra):
    refused(packed((OLD, 0, b"1", extra)), outside, None)


def test_unicode_path_fields_that_differ_in_directory_and_header_are_refused(packed, outside):
    archive = packed((OLD, 0, b"1", unicode_path("one name")))
    data = archive.read_bytes()
    archive.write_bytes(data[: data.rindex(b"one name")] + b"two name" + data[data.rindex(b"one name") + 8 :])
    refused(archive, outside, "'otchet.txt' in the archive has several names")


def test_names_that_unicode_path_fields_make_equal_are_refused(packed, outside):
    archive = packed(("a", 0, b"1", unicode_path("c", of="a")), ("b", 0, b"1", unicode_path("c", of="b")))
    refused(archive, outside, "'c' in the archive is there twice")


def test_a_name_in_an_old_encoding_keeps_its_unicode_path(packed, outside):
    archive = packed(("name_of_old", 0, b"1", unicode_path(NEW, of="placeholder")))
    old = "отчёт_имя_".encode("cp866") + b"."
    crc = struct.pack("<L", zlib.crc32(old))
    other = struct.pack("<L", zlib.crc32(b"placeholder"))
    archive.write_bytes(archive.read_bytes().replace(b"name_of_old", old).replace(other, crc))
    extract(archive, outside / "in")
    assert tree(outside / "in") == {NEW: b"1"}


FOLDER, FILE, LINK = stat.S_IFDIR << 16, stat.S_IFREG << 16, stat.S_IFLNK << 16
DOS = 0x10
IMPOSSIBLE = 0xFFFF << 16


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        *[("d/", 0), ("d", DOS), ("d", FOLDER), ("d/", FILE), ("d", FILE | DOS), ("d/", LINK), ("d/", IMPOSSIBLE)],
        *[("d/", stat.S_IFCHR << 16), ("d", IMPOSSIBLE | DOS), ("d/", FOLDER | DOS | 0o755 << 16)],
    ],
)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_one_sign_of_a_folder_makes_one(packed, outside, name, attributes, method):
    extract(packed((name, attributes, b"", b"", method), ("d/f", FILE, b"1", b"")), outside / "in")
    assert tree(outside / "in") == {"d/f": b"1"}


@pytest.mark.parametrize(
    ("name", "attributes"), [("d/", 0), ("d/", FILE), ("d", DOS), ("d", FOLDER), ("d", LINK | DOS)]
)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_folder_with_content_is_refused_and_nothing_is_lost(packed, outside, name, attributes, method):
    archive = packed(("good", 0, b"1", b""), (name, attributes, b"content", b"", method))
    refused(archive, outside, f"'{name}' in the archive is a folder, and has the content of a file")


def test_a_folder_is_compared_with_its_own_header_as_a_file_is(packed, outside):
    archive = packed(("folder/", FOLDER, b"", b""))
    data = archive.read_bytes()
    archive.write_bytes(data[: data.rindex(b"folder/")] + b"fold3r/" + data[data.rindex(b"folder/") + 7 :])
    refused(archive, outside, "differ")


@pytest.mark.parametrize("name", ["d/", "d"])
def test_a_unicode_path_may_tell_a_folder(packed, outside, name):
    extract(packed((name, 0, b"", unicode_path("ö/", of=name))), outside / "in")
    assert (outside / "in" / "ö").is_dir()


@pytest.mark.parametrize("bit", [0, 6, 13])
@pytest.mark.parametrize("name", ["a", "a/"])
def test_what_is_encrypted_is_refused(packed, outside, name, bit):
    archive = packed((name, 0, b"", b""))
    data = bytearray(archive.read_bytes())
    flags = data.index(b"PK\x01\x02") + 8
    data[flags : flags + 2] = (1 << bit).to_bytes(2, "little")
    archive.write_bytes(data)
    refused(archive, outside, f"'{name}' in the archive is encrypted")


def test_entries_that_share_bytes_are_refused(packed, outside):
    archive = packed(("a", 0, b"1", b"", zipfile.ZIP_STORED), ("b", 0, b"2", b"", zipfile.ZIP_STORED))
    data = bytearray(archive.read_bytes())
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = bytes(4)
    archive.write_bytes(data)
    refused(archive, outside, "two of its entries share their bytes")


def test_an_entry_within_another_is_refused(outside, tmp_path):
    """As in a zip bomb: the content of the first holds the second, with its header."""
    with zipfile.ZipFile(tmp_path / "inner.zip", "w") as archive:
        archive.writestr(zip_member("b"), b"2")
    inner = (tmp_path / "inner.zip").read_bytes()
    stored = zip_member("a")
    stored.compress_type = zipfile.ZIP_STORED
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(stored, inner)
        found = zip_member("b")
        known = zipfile.ZipFile(io.BytesIO(inner)).getinfo("b")
        found.CRC, found.file_size, found.compress_size = known.CRC, known.file_size, known.compress_size
        found.header_offset = archive.start_dir - len(inner)
        archive.filelist.append(found)
        archive._didModify = True
    refused(tmp_path / "a.zip", outside, "share their bytes")


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data * 2,
        lambda data: data + b"x",
        lambda data: b"PK\x03\x04" + bytes(26) + data,
        lambda data: data[:-12] + bytes(4) + data[-8:],
        lambda data: data[:-14] + b"\x01\x00\x01\x00" + data[-10:],
        lambda data: data[:-2] + b"\x05\x00",
        lambda data: data[:-2] + b"\x05\x00abc",
    ],
    ids=["twice", "behind", "before", "no directory", "fewer entries", "comment cut", "comment shorter"],
)
def test_a_directory_that_is_not_all_of_it_is_refused(packed, outside, change):
    archive = packed(("a", 0, b"1", b""), ("b", 0, b"2", b""))
    archive.write_bytes(change(archive.read_bytes()))
    refused(archive, outside, "cannot be extracted")


def test_a_comment_and_gaps_are_no_harm(packed, outside):
    archive = packed(("a", 0, b"1", b""))
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr(zip_member("b"), b"2")
        opened.comment = b"made by hand \x00" * 99
    extract(archive, outside / "in")
    assert tree(outside / "in") == {"a": b"1", "b": b"2"}


@pytest.mark.parametrize(("count", "shift", "good"), [(2, 0, True), (1, 0, False), (3, 0, False), (2, 1, False)])
def test_a_directory_of_64_bits_is_read_and_must_be_right(packed, outside, count, shift, good):
    archive = packed(("a", 0, b"1", b""), ("b", 0, b"2", b""))
    data = archive.read_bytes()
    size, start = struct.unpack("<2L", data[-10:-2])
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start + shift)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, start + size, 1)
    archive.write_bytes(data[:-22] + record + locator + data[-22:-14] + b"\xff" * 12 + data[-2:])
    if good:
        assert extract(archive, outside / "in").files == 2
    else:
        refused(archive, outside, "its directory is broken")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_are_rare_are_extracted(packed, outside, method):
    content = bytes(range(256)) * 1000
    extract(packed(("a", 0, content, b"", method), ("b", 0, b"", b"", method)), outside / "in")
    assert tree(outside / "in") == {"a": content, "b": b""}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_of_a_rare_method_takes_no_memory(packed, outside, method):
    archive = packed(("a", 0, bytes(200_000_000), b"", method))
    code = f"""
import resource
from airflow_provider_taskcluster.exceptions import TooLarge
from airflow_provider_taskcluster.transfer.archive.extract import extract
from airflow_provider_taskcluster.transfer.archive.extraction_limits import ExtractionLimits
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    extract({str(archive)!r}, {str(outside / "in")!r}, ExtractionLimits(max_bytes=1_000_000))
except TooLarge:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    grown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(grown.stdout.split()[-1]) < 120_000

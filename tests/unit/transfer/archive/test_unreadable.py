"""Archives that cannot be read to their end: broken, encrypted, gone."""

from __future__ import annotations

import os

import pytest
from archives_to_extract import KINDS, NOISE, refused


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


def test_an_archive_that_vanished_is_refused(outside, tmp_path):
    refused(tmp_path / "absent.zip", outside, "cannot be extracted: .*No such file")

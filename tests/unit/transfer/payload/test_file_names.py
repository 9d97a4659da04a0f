"""Names that tasks choose, as names of files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_taskcluster.transfer.payload.file_names import reason_against, refused_names

GOOD = [
    "a",
    "public/build/target.zip",
    "public/.hidden",
    "public/a b (1).txt",
    "public/console.log",
    "public/nulls.txt",
    "public/ab:c.log",
    "public/~user/$HOME/%2e%2e/-rf",
    "x" * 255,
    "/".join(["abcdefg"] * 120),
]


@pytest.mark.parametrize("name", GOOD, ids=lambda name: name[:30])
def test_names_that_can_be(name):
    assert reason_against(name) == ""


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/etc/passwd", "absolute path"),
        ("//server/share", "absolute path"),
        ("..", "'.' or '..' segment"),
        ("../a", "'.' or '..' segment"),
        ("a/../../b", "'.' or '..' segment"),
        ("a/./b", "'.' or '..' segment"),
        ("a//b", "empty folder name"),
        ("a/", "empty folder name"),
        ("", "not empty"),
        ("C:/Windows", "letter of a drive"),
        ("public/c:evil", "letter of a drive"),
        ("..\\..\\a", "backslash"),
        ("a\\b", "backslash"),
        ("a\0b", "outside printable ASCII"),
        ("a\nb", "outside printable ASCII"),
        ("a\x7fb", "outside printable ASCII"),
        ("a\x1b[31m", "outside printable ASCII"),
        ("\u202egpj.exe", "outside printable ASCII"),
        ("a\udc80", "outside printable ASCII"),
        ("CON", "device"),
        ("public/nul.txt", "device"),
        ("public/com1", "device"),
        ("LPT9.log/a", "device"),
        ("aux .c", "device"),
        ("...", "ends with a dot"),
        ("a.", "ends with a dot"),
        ("a /b", "ends with a dot or a space"),
        ("x" * 256, "longer than the 255 bytes"),
        ("x" * 1000, "longer than the 255 bytes"),
        ("a/" * 600 + "a", "over 1024 bytes"),
        (".taskcluster-1234.part", "partial files"),
        ("a/.TaskCluster-payload.jsonl", "partial files"),
        ("Taskcluster-Payload.json", "manifest"),
    ],
    ids=lambda text: ascii(text)[:30],
)
def test_names_that_cannot_be_are_refused_with_the_reason(name, reason):
    assert reason in reason_against(name)
    assert refused_names([name, "good"], case_sensitive=True) == {name: reason_against(name)}


def test_a_name_that_is_both_file_and_folder_is_refused_and_those_below_it_are_not():
    names = ["a", "a/b", "a/b/c", "a!b", "ab", "c/d"]
    assert refused_names(names, case_sensitive=True).keys() == {"a", "a/b"}
    assert "also a folder" in refused_names(names, case_sensitive=True)["a"]


def test_names_that_differ_in_case_alone_are_refused_where_the_disk_does_not_tell_them_apart():
    names = ["public/a", "public/A", "public/b", "X", "x/y"]
    assert refused_names(names, case_sensitive=True) == {}
    found = refused_names(names, case_sensitive=False)
    assert found.keys() == {"public/a", "public/A", "X"}
    assert "upper and lower case alone" in found["public/a"]
    assert "also a folder" in found["X"]


hostile = st.text(st.sampled_from("aAb/.\\:\0\n C1~ü"), max_size=8) | st.sampled_from(GOOD)


@given(st.lists(hostile, unique=True), st.booleans())
def test_names_that_are_left_are_files_of_one_folder(names, case_sensitive):
    left = [name for name in names if name not in refused_names(names, case_sensitive=case_sensitive)]
    keys = [tuple(name.split("/")) if case_sensitive else tuple(name.casefold().split("/")) for name in left]
    assert len(set(keys)) == len(keys)
    folders = {key[:length] for key in keys for length in range(1, len(key))}
    assert not folders & set(keys)
    for key in keys:
        assert not {"", ".", ".."} & set(key)
        assert all(part.isprintable() and "\\" not in part and part.isascii() for part in key)


@given(st.lists(st.text("abc/", min_size=1, max_size=6), unique=True))
def test_no_more_than_what_must_be_is_refused(names):
    for name, reason in refused_names(names, case_sensitive=True).items():
        alone = not name.strip("/") or name.startswith("/") or name.endswith("/") or "//" in name
        assert alone or any(other.startswith(f"{name}/") for other in names), (name, reason)

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_taskcluster.common.names import LONGEST_CONTENT_TYPE
from airflow_provider_taskcluster.exceptions import ManifestRefused, TaskclusterError
from airflow_provider_taskcluster.transfer.parts_manifest import (
    CONTENT_TYPE,
    LARGEST_PART,
    MOST_PARTS,
    Manifest,
    Part,
    from_json,
    is_manifest,
    part_name,
)

NAME = "builds/7/a (1).zip"
SHA256, SHA512 = "ab" * 32, "cd" * 64


def part(number=0, offset=0, size=10, name=None):
    return Part(name or part_name(NAME, "0f" * 8, number), offset, size, SHA256, SHA512)


def whole(*sizes):
    parts = [part(number, sum(sizes[:number]), size) for number, size in enumerate(sizes)]
    return Manifest(sum(sizes), "application/zip", SHA256, parts)


def document(*sizes):
    """The manifest as data that a test can spoil."""
    return json.loads(whole(*(sizes or (10, 10, 5))).to_json())


def refusal(data):
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    with pytest.raises(ManifestRefused) as caught:
        from_json(data, NAME)
    message = str(caught.value)
    assert message.startswith(f"The manifest of {NAME!r} is refused: ")
    assert "multipart_aware=False" in message, "it says how to look at it"
    assert len(message) < 600, "a stranger does not fill the log"
    return message


@given(st.lists(st.integers(1, LARGEST_PART), max_size=20))
def test_what_was_written_is_read_again(sizes):
    assert from_json(whole(*sizes).to_json(), NAME) == whole(*sizes)


def test_the_same_content_gives_the_same_bytes():
    """Held to fixed bytes: others would be a conflict for the retries of uploads under way at an upgrade."""
    written = Manifest(1, "text/plain", "0" * 64, [Part("a.part-b-00000", 0, 1, "1" * 64)]).to_json()
    assert written.decode() == (
        '{\n "contentType": "text/plain",\n "parts": [\n  {\n   "name": "a.part-b-00000",\n   "offset": 0,\n'
        f'   "sha256": "{"1" * 64}",\n   "size": 1\n  }}\n ],\n'
        f' "sha256": "{"0" * 64}",\n "size": 1,\n "version": 1\n}}\n'
    )


def test_the_names_of_parts_sort_in_their_order_and_share_a_prefix():
    names = [part_name(NAME, "0f", number) for number in range(MOST_PARTS)]
    assert sorted(names) == names
    assert all(name.startswith(f"{NAME}.part-0f-") for name in names)


@pytest.mark.parametrize("content_type", [CONTENT_TYPE, CONTENT_TYPE.upper(), f" {CONTENT_TYPE} ; charset=utf-8"])
def test_a_manifest_is_known_by_its_content_type(content_type):
    assert is_manifest(content_type)


@pytest.mark.parametrize("content_type", ["", "application/json", f"{CONTENT_TYPE}x", f"x{CONTENT_TYPE}"])
def test_other_content_types_are_no_manifests(content_type):
    assert not is_manifest(content_type)


@pytest.mark.parametrize(
    "name",
    [
        "secrets/token",
        "secrets/token.part-0f-00000",
        NAME,
        f"{NAME}x.part-0f-00000",
        f"x{NAME}.part-0f-00000",
        f"{NAME}.part-../secrets",
        f"{NAME}.part-0f-00000/../../secrets",
        f"{NAME}.part-0f/0-00000",
        f"{NAME}.part-0f-00000.part-0f-00000",
        f"{NAME}.part-0f-00000\n",
        f"{NAME}.part-0f-00000?x",
        f"{NAME}.part-0f-",
        f"{NAME}.part--00000",
        f"{NAME}.part-0F-00000",
        f"{NAME}.part-0f--1",
        f"{NAME}.part-0f-\u0661",
        f"{NAME}.part-{'0' * 65}-00000",
        f"{NAME}.part-0f-{'0' * 10}",
        NAME.replace("(", "x") + ".part-0f-00000",
        NAME.replace(".", "x") + ".part-0f-00000",
        "",
        "z" * 2_000_000,
    ],
    ids=lambda name: repr(name)[:60],
)
def test_it_names_nothing_but_its_own_parts(name):
    data = document()
    data["parts"][1]["name"] = name
    assert "is not one of its parts" in refusal(data)


@pytest.mark.parametrize("name", [None, 7, ["x"], {"a": 1}, True], ids=repr)
def test_a_name_is_a_text(name):
    data = document()
    data["parts"][0]["name"] = name
    assert "is not one of its parts" in refusal(data)


def test_its_own_name_is_taken_letter_by_letter():
    """A name is no pattern: '.' stands for '.' alone."""
    data = whole(10).to_json().replace(NAME.encode(), b"aXb")
    with pytest.raises(ManifestRefused):
        from_json(data, "a.b")


@pytest.mark.parametrize(("number", "offset"), [(0, 1), (1, 9), (1, 11), (2, 0), (0, -10), (1, 10**30)], ids=str)
def test_parts_neither_overlap_nor_leave_a_gap(number, offset):
    data = document()
    data["parts"][number]["offset"] = offset
    assert "its parts leave a gap or overlap at byte" in refusal(data)


def test_parts_in_another_order_are_refused():
    data = document()
    data["parts"].reverse()
    assert "gap or overlap at byte 0" in refusal(data)


@pytest.mark.parametrize("field", ["offset", "size"])
@pytest.mark.parametrize("value", [True, False, 10.0, "10", None, [], {}, float("nan"), float("inf")], ids=repr)
def test_a_place_is_a_whole_number(field, value):
    data = document()
    data["parts"][1][field] = value
    assert "is out of bounds" in refusal(data)


@pytest.mark.parametrize("size", [0, -1, LARGEST_PART + 1, 10**30])
def test_a_part_has_a_byte_and_fits_into_one_put(size):
    data = document()
    data["parts"][1]["size"] = size
    assert "is out of bounds" in refusal(data)


def test_the_largest_part_is_taken():
    assert from_json(whole(LARGEST_PART, 1).to_json(), NAME).size == LARGEST_PART + 1


@pytest.mark.parametrize("size", [24, 26, 0, -25, 25.0, True, "25", None, "9" * 2_000_000], ids=lambda s: repr(s)[:20])
def test_the_total_is_that_of_the_parts(size):
    data = document()
    data["size"] = size
    assert "its parts make up 25 bytes, and it says" in refusal(data)


def test_as_many_parts_as_are_allowed_are_taken_and_not_one_more():
    assert len(from_json(whole(*[1] * MOST_PARTS).to_json(), NAME).parts) == MOST_PARTS
    assert f"over {MOST_PARTS} parts" in refusal(whole(*[1] * (MOST_PARTS + 1)).to_json())


def test_a_part_is_named_once():
    data = document()
    data["parts"][1]["name"] = data["parts"][0]["name"]
    assert "it names a part twice" in refusal(data)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("value", ["", "xyz", "AB" * 32, SHA256 + "0", SHA512 + "\n", 7, ["ab"]], ids=repr)
def test_the_digests_of_a_part_are_digests(algorithm, value):
    data = document()
    data["parts"][2][algorithm] = value
    assert "the digests of" in refusal(data)


@pytest.mark.parametrize("value", ["", "AB" * 32, SHA512, None, 7], ids=repr)
def test_the_digest_of_the_whole_is_one(value):
    assert "its content type or digest is invalid" in refusal(document() | {"sha256": value})


@pytest.mark.parametrize(
    "value",
    [None, 7, "", "zip", "a/b\r\nX: y", ["a/b"], "a/b; c=" + "c" * LONGEST_CONTENT_TYPE],
    ids=lambda v: repr(v)[:30],
)
def test_the_content_type_is_one(value):
    assert "its content type or digest is invalid" in refusal(document() | {"contentType": value})


@pytest.mark.parametrize("version", [0, 2, "1", 1.0, True, None, [1], "9" * 2_000_000], ids=lambda v: repr(v)[:20])
def test_another_version_is_refused_with_the_way_out(version):
    assert "this client knows 1: a newer one may help" in refusal(document() | {"version": version})


def test_a_later_version_is_told_from_a_broken_one_whatever_else_it_holds():
    assert "a newer one may help" in refusal({"version": 2, "pieces": []})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{torn",
        b"\xff\xfe",
        b"[]",
        b"7",
        b"null",
        b'"text"',
        b"[" * 100_000,
        b'{"version": 1, "parts": ' + b"[" * 100_000,
        b'{"version": 1, "parts": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda data: repr(data[:30]),
)
def test_what_is_no_json_object_cannot_be_read(data):
    assert "it cannot be read" in refusal(data)


@pytest.mark.parametrize("key", ["version", "size", "contentType", "sha256", "parts"])
def test_nothing_may_be_missing(key):
    data = document()
    del data[key]
    assert "it cannot be read (KeyError)" in refusal(data)


@pytest.mark.parametrize("key", ["name", "offset", "size", "sha256"])
def test_nothing_of_a_part_may_be_missing(key):
    data = document()
    del data["parts"][1][key]
    assert "it cannot be read (TypeError)" in refusal(data)


@pytest.mark.parametrize("parts", [None, 7, "text", [None], [[]], [7], {"a": 1}], ids=repr)
def test_parts_are_a_list_of_objects(parts):
    assert "it cannot be read (TypeError)" in refusal(document() | {"parts": parts})


def test_a_part_holds_nothing_that_is_not_known():
    data = document()
    data["parts"][0]["url"] = "https://example.com/"
    assert "it cannot be read" in refusal(data)


def test_the_error_is_one_of_ours_and_travels_between_processes():
    with pytest.raises(TaskclusterError) as caught:
        from_json(b"[]", NAME)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again), again.transient) == (ManifestRefused, str(caught.value), False)


def test_the_digest_of_a_part_is_one_that_a_service_names():
    assert replace(part(), sha256="1", sha512=None).hashes == {"sha256": "1"}


def test_manifests_of_earlier_versions_whose_parts_have_a_sha512_are_read():
    earlier = replace(part(), sha256=SHA256, sha512=SHA512)
    assert earlier.hashes == {"sha256": SHA256, "sha512": SHA512}
    assert earlier.as_dict()["sha512"] == SHA512

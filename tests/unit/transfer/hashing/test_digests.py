from __future__ import annotations

import hashlib

import pytest

from airflow_provider_taskcluster.exceptions import HashMismatch, InvalidInput, NotVerifiable
from airflow_provider_taskcluster.transfer.hashing.digests import (
    Hashers,
    algorithms_to_compute,
    require_acceptable,
    verify_digests,
)

DATA = b"some bytes"
SHA256 = hashlib.sha256(DATA).hexdigest()
SHA512 = hashlib.sha512(DATA).hexdigest()


def test_several_digests_of_one_stream_in_pieces_of_any_kind():
    hashers = Hashers(["sha256", "sha512", "md5"])
    hashers.update(DATA[:3])
    hashers.update(memoryview(DATA)[3:])
    assert hashers.digests() == {"sha256": SHA256, "sha512": SHA512, "md5": hashlib.md5(DATA).hexdigest()}


def test_digests_of_nothing():
    assert Hashers(["sha256"]).digests() == {"sha256": hashlib.sha256().hexdigest()}


@pytest.mark.parametrize(
    ("named", "computed"),
    [
        (["sha256", "sha512"], ["sha256", "sha512"]),
        (["sha512", "crc32c"], ["sha512"]),
        (["md5", "sha1"], ["md5", "sha1"]),
        (["shake_128"], []),
        ([], []),
    ],
)
def test_all_that_is_named_and_known_is_computed(named, computed):
    assert algorithms_to_compute(dict.fromkeys(named, "")) == computed
    assert list(Hashers(computed).digests()) == computed


def test_what_is_asked_for_is_computed_besides_and_once():
    assert algorithms_to_compute({"sha512": ""}, ["sha256", "sha512"]) == ["sha512", "sha256"]


def test_an_unknown_digest_that_is_asked_for_is_refused():
    with pytest.raises(InvalidInput, match=r"'crc32c' is not a known digest: use one of .*sha256"):
        algorithms_to_compute({}, ["crc32c"])


@pytest.mark.parametrize("named", [["sha256"], ["sha512"], ["md5", "sha512"]])
def test_one_of_sha256_and_sha512_is_enough(named):
    require_acceptable("a", dict.fromkeys(named, "0"))


@pytest.mark.parametrize(("named", "told"), [([], "none"), (["md5", "sha1"], "md5, sha1")])
def test_an_object_that_nobody_could_verify_is_refused(named, told):
    with pytest.raises(NotVerifiable, match=rf"hashes named: {told}.*require_hashes=False"):
        require_acceptable("a", dict.fromkeys(named, "0"))


@pytest.mark.parametrize(
    ("expected", "verified"),
    [
        ({"sha512": SHA512, "sha256": SHA256}, "sha256+sha512"),
        ({"sha256": SHA256.upper()}, "sha256"),
        ({"sha256": SHA256, "crc32c": "whatever"}, "sha256"),
        ({"crc32c": "whatever"}, ""),
        ({}, ""),
    ],
)
def test_what_both_sides_have_is_compared_and_named(expected, verified):
    assert verify_digests("a", expected, {"sha256": SHA256, "sha512": SHA512}) == verified


@pytest.mark.parametrize("wrong", ["sha256", "sha512"])
def test_one_that_differs_is_enough_to_refuse(wrong):
    expected = {"sha256": SHA256, "sha512": SHA512} | {wrong: "0" * 64}
    with pytest.raises(HashMismatch, match=rf"'a' arrived with {wrong} .* but the service says 000") as caught:
        verify_digests("a", expected, {"sha256": SHA256, "sha512": SHA512})
    assert not caught.value.transient

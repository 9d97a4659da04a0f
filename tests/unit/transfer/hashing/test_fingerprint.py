"""Whether two readings gave the same bytes."""

from __future__ import annotations

import os

import pytest

from airflow_provider_taskcluster.transfer.hashing.fingerprint import Fingerprint

CONTENT = os.urandom(100_000)


def of(content, again_of=None, step=7_001):
    fingerprint = again_of.with_same_key() if again_of else Fingerprint()
    for start in range(0, len(content), step):
        fingerprint.update(memoryview(content)[start : start + step])
    return fingerprint


@pytest.mark.parametrize("content", [b"", b"x", CONTENT], ids=len)
@pytest.mark.parametrize("step", [1000, 16, 100_000])
def test_the_same_bytes_fit_however_they_are_cut(content, step):
    first = of(content)
    assert of(content, first, step).matches(first)
    assert of(bytearray(content), first, step).matches(first)


@pytest.mark.parametrize(
    "other",
    [
        CONTENT[:-1],
        CONTENT + b"\0",
        b"\0" + CONTENT,
        CONTENT[1:] + CONTENT[:1],
        CONTENT[:50_000] + bytes([CONTENT[50_000] ^ 1]) + CONTENT[50_001:],
        CONTENT[16:32] + CONTENT[:16] + CONTENT[32:],
        b"",
    ],
    ids=["shorter", "longer", "shifted", "turned", "a bit", "blocks changed places", "nothing"],
)
def test_other_bytes_do_not_fit(other):
    first = of(CONTENT)
    assert not of(other, first).matches(first)


def test_each_source_has_a_key_of_its_own():
    assert not of(CONTENT).matches(of(CONTENT))


def test_the_key_and_the_tag_are_shown_nowhere():
    fingerprint = of(CONTENT)
    for secret in (fingerprint._key, fingerprint.finalize()):
        assert repr(secret) not in repr(fingerprint)
        assert secret.hex() not in repr(fingerprint)

"""Scopes and timestamps of the emulator, which are pure."""

from __future__ import annotations

import pytest

from airflow_provider_taskcluster.emulator.auth.scopes import covers, expanded, missing, reduced
from airflow_provider_taskcluster.emulator.clock import Clock, from_json, to_json


@pytest.mark.parametrize(
    ("pattern", "scope", "held"),
    [
        ("a", "a", True),
        ("a", "ab", False),
        ("a*", "a", True),
        ("a*", "abc", True),
        ("*", "anything", True),
        ("a*", "b", False),
        ("a*c", "abc", False),
        ("a*", "a*", True),
        ("ab*", "a*", False),
        ("a", "a*", False),
    ],
)
def test_a_scope_covers(pattern, scope, held):
    assert covers(pattern, scope) is held


def test_a_set_is_reduced_to_what_says_something():
    assert reduced(["b", "a:x", "a:*", "a:*", "a:y*"]) == ["a:*", "b"]


def test_roles_expand_through_each_other():
    roles = {"one": ["assume:two", "x"], "two": ["y"], "three": ["z"]}
    assert expanded(["assume:one"], roles) == ["assume:one", "assume:two", "x", "y"]
    assert expanded(["*"], roles) == ["*"]


def test_what_is_missing_is_named():
    assert missing(["a:*"], ["a:b", "c"]) == ["c"]


def test_instants_are_milliseconds():
    assert to_json(from_json("2031-05-05T12:00:00.9999Z")) == "2031-05-05T12:00:00.999Z"
    assert from_json("1969-12-31T23:59:59.999Z") == -1
    with pytest.raises(ValueError, match="zone"):
        from_json("2031-05-05T12:00:00")


def test_the_clock_goes_forward_and_back():
    clock = Clock()
    start = clock.now()
    with clock.advanced(hours=1):
        assert clock.now() - start >= 3_600_000
    assert clock.now() - start < 60_000
    clock.advance(days=1)
    assert clock.now() - start >= 86_400_000

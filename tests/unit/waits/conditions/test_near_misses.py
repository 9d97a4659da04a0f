"""Messages about artifacts that a task does not have."""

from __future__ import annotations

import time

import pytest

from airflow_provider_taskcluster.waits.conditions.near_misses import suggestion

PRESENT = ["public/logs/live.log", "public/logs/live_backing.log", "public/build/target.zip"]


@pytest.mark.parametrize("missing", ["live.log", "public/live.log", "public/logs/live.lgo", "PUBLIC/LOGS/LIVE.LOG"])
def test_the_nearest_name_is_asked_for(missing):
    assert suggestion([missing], PRESENT).endswith(": did you mean public/logs/live.log?")


def test_what_is_not_like_any_other_is_told_what_there_is():
    assert suggestion(["a"], PRESENT) == (
        "it has 'public/build/target.zip', 'public/logs/live.log', 'public/logs/live_backing.log'"
    )
    assert suggestion(["a"], []) == "it has no artifacts"


def test_many_and_hostile_names_take_little_room_and_time():
    begun = time.monotonic()
    said = suggestion(["public/x" * 100] * 100, [f"public/\n{number}" + "x" * 1000 for number in range(10_000)])
    assert time.monotonic() - begun < 5
    assert "\n" not in said
    assert len(said) < 1000
    assert " and 9995 more" in said

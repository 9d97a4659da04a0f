"""Index waits share one call for each round; if it is refused, each has a call of its own."""

from __future__ import annotations

import asyncio

import pytest
from waits_in_a_loop import INTERVAL, outcomes, run, start, trigger, until

from airflow_provider_taskcluster.emulator.store.faults import Status
from airflow_provider_taskcluster.waits.conditions.index import IndexWait

TOGETHER, ALONE = "/index/v1/tasks/indexes", "/index/v1/task/"


def waits(paths):
    return start(*(trigger(IndexWait(index_path=path)) for path in paths))


def index(tc, path):
    tc.bulk.create(1, state="completed", routes=[f"index.{path}"])


def calls(tc, path):
    return len(tc.journal.entries(path=path))


def test_the_paths_of_a_round_go_in_one_call(tc, hook):
    paths = [f"tests.together.{number}" for number in range(20)]

    async def main():
        waiting = waits([*paths, paths[0]])  # two waits at one path: the service fails where one is named twice
        await until(lambda: calls(tc, TOGETHER) >= 2)  # first looks may fall into two rounds
        tc.journal.clear()
        await until(lambda: calls(tc, TOGETHER) >= 2)
        assert calls(tc, ALONE) == 0
        for path in paths:
            index(tc, path)
        assert set(outcomes(await asyncio.gather(*waiting))) == {"found"}

    run(main)


def test_one_path_is_asked_for_as_ever(tc, hook):
    async def main():
        waiting = waits(["tests.alone"])
        await until(lambda: calls(tc, ALONE))
        index(tc, "tests.alone")
        assert outcomes(await asyncio.gather(*waiting)) == ["found"]

    run(main)
    assert calls(tc, TOGETHER) == 0


@pytest.mark.parametrize("status", [400, 404])
def test_where_the_call_is_not_taken_each_path_is_asked_for_by_itself(tc, hook, status):
    tc.api_faults.add(Status(status), path=TOGETHER, times=1000)
    paths = [f"tests.refused.{status}.{number}" for number in range(3)]

    async def main():
        waiting = waits(paths)
        await until(lambda: calls(tc, ALONE) >= len(paths))
        for path in paths:
            index(tc, path)
        assert outcomes(await asyncio.gather(*waiting)) == ["found"] * len(paths)

    run(main)
    assert calls(tc, TOGETHER)


def test_a_missing_scope_fails_the_wait_that_needs_it_alone(tc, holding):
    before, tc.anonymous_scopes = tc.anonymous_scopes, []
    holding("index:find-task:tests.allowed.*")
    good, bad = "tests.allowed.a", "tests.secret.a"

    async def main():
        allowed, secret = start(
            *(trigger(IndexWait(index_path=path), conn_id="tc_limited", interval=INTERVAL) for path in (good, bad))
        )
        refused = await secret
        assert refused["outcome"] == "over"
        assert f"index:find-task:{bad}" in refused["message"]
        index(tc, good)
        assert (await allowed)["outcome"] == "found"

    try:
        run(main)
    finally:
        tc.anonymous_scopes = before

"""Blocked tasks, noticed on a worker and in the triggerer, with the scopes that allow it."""

from __future__ import annotations

import asyncio

import pytest
from waits_in_a_loop import INTERVAL, api_paths, completed, event, run, start, trigger, until

from airflow_provider_taskcluster.waits.conditions.artifacts import ArtifactWait
from airflow_provider_taskcluster.waits.conditions.tasks import TaskGroupWait, TaskWait
from airflow_provider_taskcluster.waits.protocol import NotYet, Over


@pytest.fixture
def blocked(tc):
    """A task behind one that failed, with another in between; the failed one."""
    failed = tc.bulk.create(1)
    between = tc.bulk.create(1, state="unscheduled", dependencies=failed)
    (last,) = tc.bulk.create(1, state="unscheduled", dependencies=between)
    tc.bulk.resolve(failed, "failed")
    return last, failed[0]


def test_a_look_on_a_worker_says_what_blocks_it(hook, blocked):
    verdict = hook.look(TaskWait(task_ids=[blocked[0]], states=["completed"]))
    assert isinstance(verdict, Over)
    assert f"blocked by task {blocked[1]}, of which run 0 is failed (failed)" in str(verdict.error)


def test_the_triggerer_says_so_too(hook, blocked):
    async def main():
        found = await event(trigger(completed(blocked[0])))
        assert found["outcome"] == "over"
        assert f"blocked by task {blocked[1]}" in found["message"]

    run(main)


@pytest.fixture
def waits(tc, blocked):
    """Waits for an artifact of the blocked task, and for a group with a task that is blocked from outside."""
    (group,) = tc.bulk.create(1, state="running")
    tc.bulk.create(1, state="unscheduled", taskGroupId=group, dependencies=[blocked[1], group])
    return {
        "artifact": ArtifactWait(task_id=blocked[0], names=["public/a"]),
        "group": TaskGroupWait(task_group_id=group, states=["completed"]),
    }


@pytest.mark.parametrize("kind", ["artifact", "group"])
def test_so_do_other_waits_in_both_places(hook, blocked, waits, kind):
    said = f"it is blocked by task {blocked[1]}, of which run 0 is failed (failed)"
    verdict = hook.look(waits[kind])
    assert said in str(verdict.error)

    async def main():
        found = await event(trigger(waits[kind]))
        assert (found["outcome"], said in found["message"]) == ("over", True)

    run(main)


def test_what_the_list_of_a_group_says_is_not_asked_for_again(tc, hook):
    (first,) = tc.bulk.create(1, state="running")
    tc.bulk.create(20, state="unscheduled", taskGroupId=first, dependencies=[first])
    assert isinstance(hook.look(TaskGroupWait(task_group_id=first, states=["completed"])), NotYet)
    assert len(api_paths(tc)) == 1


@pytest.mark.parametrize("more", [(), ("queue:get-task:*",)], ids=["no definition", "no status of dependencies"])
def test_without_scopes_it_waits_on(tc, connect, blocked, more):
    token = tc.add_client("tests/waits", [f"queue:status:{blocked[0]}", *more])
    limited = connect("tc_limited", login="tests/waits", password=token)
    assert isinstance(limited.look(TaskWait(task_ids=[blocked[0]], states=["completed"])), NotYet)


def test_many_unscheduled_tasks_cost_two_calls_an_interval(tc, hook):
    running = tc.bulk.create(20, state="running")
    waiting = [tc.bulk.create(1, state="unscheduled", dependencies=[task_id])[0] for task_id in running]

    def statuses():
        return [path for _, path in api_paths(tc) if "/tasks/status" in path]

    async def main():
        tasks = start(*(trigger(completed(task_id)) for task_id in waiting))
        await until(lambda: len(statuses()) >= 4)
        await asyncio.sleep(INTERVAL / 2)
        tc.journal.clear()
        await until(lambda: len(statuses()) >= 4)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    run(main)
    assert [path for _, path in api_paths(tc)] == statuses()

"""Requests of waits in one loop, and their frequency."""

from __future__ import annotations

import asyncio
import time

from scripted_api import scripted_api
from waits_in_a_loop import INTERVAL, STATUSES, api_paths, completed, event, outcomes, run, start, trigger, until

from airflow_provider_taskcluster.waits import batching
from airflow_provider_taskcluster.waits.conditions.artifacts import ArtifactWait
from airflow_provider_taskcluster.waits.conditions.tasks import TaskGroupWait


def test_equal_questions_are_asked_once_and_only_of_tasks_that_can_have_new_artifacts(tc, hook):
    running = tc.bulk.create(5, state="running")
    others = tc.bulk.create(3) + tc.bulk.create(2, state="unscheduled", dependencies=running[:1])
    waits = [
        trigger(ArtifactWait(task_id=task_id, names=[f"public/{n}"])) for task_id in running + others for n in range(4)
    ]

    def rounds():
        return len([path for _, path in api_paths(tc) if STATUSES in path])

    async def main():
        tasks = start(*waits)
        await until(lambda: rounds() == 2)
        await asyncio.sleep(INTERVAL / 2)  # all have had their first look
        tc.journal.clear()
        await until(lambda: rounds() == 4)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    run(main)
    asked = api_paths(tc)
    listed = [path.split("/task/")[1][:22] for method, path in asked if path.endswith("/artifacts")]
    assert set(listed) == set(running)
    assert len(listed) <= 5 * (rounds() + 1)
    of_dependencies = [path for _, path in asked if path.endswith(f"/task/{running[0]}/status")]
    assert len(of_dependencies) <= rounds() + 1  # of all unscheduled tasks, in one call
    assert len(asked) == rounds() + len(listed) + len(of_dependencies)


def test_the_first_look_comes_after_the_interval(tc, hook):
    (done,) = tc.bulk.create(1, state="completed")

    async def main():
        begun = time.monotonic()
        await event(trigger(completed(done), interval=1))
        assert 1 <= time.monotonic() - begun < 2

    run(main)


def test_a_service_that_does_not_know_pages_is_asked_for_each_task(tc, connect):
    tasks = tc.bulk.create(20, state="completed")
    with scripted_api(tc.root_url) as api:
        api.add(STATUSES, 404, times=float("inf"))
        connect(host=api.url)

        async def main():
            found = await asyncio.gather(*start(*(trigger(completed(task_id)) for task_id in tasks)))
            assert outcomes(found) == ["found"] * 20

        run(main)
        assert api.count(STATUSES) <= 2
        assert len(api.asked) == 20 + api.count(STATUSES)


def test_a_group_is_listed_first_and_last_only(tc, hook):
    (first,) = tc.bulk.create(1, state="running", schedulerId="waits")
    others = tc.bulk.create(30, state="running", taskGroupId=first, schedulerId="waits")

    def asked(path):
        return len([found for _, found in api_paths(tc) if path in found])

    async def main():
        (task,) = start(trigger(TaskGroupWait(task_group_id=first, states=["completed", "failed", "exception"])))
        await until(lambda: asked(STATUSES) == 2)
        tc.bulk.resolve([first, *others])
        assert (await task)["outcome"] == "found"

    run(main)
    assert asked("/task-group/") == 2


def test_pages_have_up_to_a_thousand_tasks(tc, hook, monkeypatch):
    monkeypatch.setattr(batching, "LARGEST_PAGE", 10)
    tasks = tc.bulk.create(25, state="completed")

    async def main():
        assert outcomes(await asyncio.gather(*start(trigger(completed(*tasks))))) == ["found"]

    run(main)
    assert len(api_paths(tc)) == 3

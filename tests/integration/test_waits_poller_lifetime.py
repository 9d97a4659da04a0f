"""Beginning and end of waits in one loop, and of the pollers that they share."""

from __future__ import annotations

import asyncio
import contextlib
import time

from scripted_api import scripted_api
from waits_in_a_loop import INTERVAL, completed, event, outcomes, run, start, trigger, until

from airflow_provider_taskcluster.triggers.waits import TaskclusterWaitTrigger
from airflow_provider_taskcluster.waits import grace_period, poller
from airflow_provider_taskcluster.waits.conditions.objects import ObjectWait

UNKNOWN = "fN1SbArXTPSVFNUvaOlinQ"


def test_waits_end_each_in_its_own_way(tc, hook):
    done, failed, later = tc.bulk.create(3, state="running")
    tc.bulk.resolve([done])
    tc.bulk.resolve([failed], "failed")

    async def main():
        tasks = start(*(trigger(completed(task_id)) for task_id in (done, failed, UNKNOWN, later)))
        await asyncio.wait(tasks[:3])
        assert not tasks[3].done()
        tc.bulk.resolve([later])
        found = await asyncio.gather(*tasks)
        assert outcomes(found) == ["found", "over", "over", "found"]
        assert f"/tasks/{failed}/runs/0/logs/public/logs/live.log" in found[1]["message"]
        assert UNKNOWN in found[2]["message"]

    run(main)


def test_waits_added_and_given_up_during_a_poll_are_neither_lost_nor_answered_twice(tc, connect):
    tasks = tc.bulk.create(40, state="completed")
    with scripted_api(tc.root_url) as api:
        api.add("/queue/v1/task", None, times=3, delay=1)  # one task, if it comes into a round of its own, too
        connect(host=api.url)

        async def main():
            early = start(*(trigger(completed(task_id)) for task_id in tasks[:20]))
            await until(lambda: api.asked)
            late = start(*(trigger(completed(task_id)) for task_id in tasks[20:]))
            await asyncio.sleep(0.1)
            given_up = [*early[:5], *late[:5]]
            for task in given_up:
                task.cancel()
            found = await asyncio.gather(*early[5:], *late[5:])
            assert outcomes(found) == ["found"] * 30
            assert all(task.cancelled() for task in given_up)

        run(main)


def test_the_last_wait_that_is_given_up_stops_the_poller_in_the_middle_of_a_poll(tc, connect):
    with scripted_api(tc.root_url) as api:
        api.add("/object/", None, times=float("inf"), delay=1)
        connect(host=api.url)

        async def main():
            (task,) = start(trigger(ObjectWait(names=["a"])))
            await until(lambda: api.asked)
            task.cancel()
            await asyncio.wait([task])
            asked = len(api.asked)
            assert not poller._pollers
            await asyncio.sleep(INTERVAL * 3)
            assert len(api.asked) == asked

        run(main)


def test_two_connections_have_pollers_of_their_own(tc, connect, monkeypatch):
    monkeypatch.setattr(grace_period, "GRACE_SECONDS", 0)
    (task_id,) = tc.bulk.create(1, state="completed")
    connect("tc_test")
    connect("tc_other", password="wrong")

    async def main():
        found = await asyncio.gather(
            *start(trigger(completed(task_id)), trigger(completed(task_id), conn_id="tc_other"))
        )
        assert outcomes(found) == ["found", "over"]

    run(main)


def test_a_loop_that_was_closed_with_waits_in_it_leaves_nothing_to_the_next(tc, hook):
    (task_id,) = tc.bulk.create(1)
    loop = asyncio.new_event_loop()
    left = loop.create_task(event(trigger(completed(task_id))))
    loop.run_until_complete(asyncio.sleep(INTERVAL / 3))
    loop.close()
    tc.bulk.resolve([task_id])

    async def main():
        assert (await event(trigger(completed(task_id))))["outcome"] == "found"

    asyncio.run(main())
    assert loop not in poller._pollers
    with contextlib.suppress(RuntimeError):
        left.cancel()


def test_the_trigger_minds_the_deadline_also_after_a_restart(tc, hook):
    async def main():
        deadline = time.time() + 1
        begun = time.monotonic()
        found = await event(trigger(ObjectWait(names=["none"]), deadline=deadline))
        assert (found["outcome"], found["deadline"]) == ("timeout", deadline)
        assert 0.8 <= time.monotonic() - begun < 2
        found = await event(trigger(ObjectWait(names=["none"]), deadline=deadline))
        assert found["outcome"] == "timeout"

    run(main)


def test_a_trigger_that_cannot_wait_says_so_and_does_not_raise(tc, hook):
    broken = TaskclusterWaitTrigger(wait={"kind": "new"}, taskcluster_conn_id="tc_test", interval=INTERVAL)

    async def main():
        found = await event(broken)
        assert (found["outcome"], found["transient"]) == ("failed", False)
        assert "knows no wait" in found["message"]

    run(main)

"""The triggers' waits as a triggerer runs them: many in one loop, which share a poller."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time

import pytest
from scripted_api import scripted_api

from airflow_provider_taskcluster.emulator import Emulator
from airflow_provider_taskcluster.triggers.waits import TaskclusterWaitTrigger
from airflow_provider_taskcluster.waits import asking, poller
from airflow_provider_taskcluster.waits.artifacts import ArtifactWait
from airflow_provider_taskcluster.waits.descriptions import describe
from airflow_provider_taskcluster.waits.objects import ObjectWait
from airflow_provider_taskcluster.waits.tasks import TaskGroupWait, TaskWait

UNKNOWN = "fN1SbArXTPSVFNUvaOlinQ"
INTERVAL = 0.3
STATUSES = "/queue/v1/tasks/status"


def trigger(wait, *, conn_id="tc_test", interval=INTERVAL, deadline=None):
    return TaskclusterWaitTrigger(
        wait=describe(wait), taskcluster_conn_id=conn_id, interval=interval, deadline=deadline
    )


def completed(*task_ids, **options):
    return TaskWait(task_ids=list(task_ids), states=["completed"], **options)


async def event(started):
    """The one event of a trigger that has been through Airflow's database."""
    _, arguments = started.serialize()
    events = [found.payload async for found in TaskclusterWaitTrigger(**json.loads(json.dumps(arguments))).run()]
    assert len(events) == 1
    return events[0]


def start(*triggers):
    return [asyncio.create_task(event(each)) for each in triggers]


def run(main):
    """Run it in a loop of its own, which must be left without tasks and pollers."""

    async def checked():
        async with asyncio.timeout(30):
            await main()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(checked())
    assert not poller._pollers


def outcomes(events):
    return [found["outcome"] for found in events]


async def until(condition):
    while not condition():  # noqa: ASYNC110 (it is another thread's)
        await asyncio.sleep(0.02)


def api_paths(tc):
    return [(entry.method, entry.path) for entry in tc.journal.entries(origin="api")]


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
    assert len(asked) == rounds() + len(listed)


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


def test_the_first_look_comes_after_the_interval(tc, hook):
    (done,) = tc.bulk.create(1, state="completed")

    async def main():
        begun = time.monotonic()
        await event(trigger(completed(done), interval=1))
        assert 1 <= time.monotonic() - begun < 2

    run(main)


def test_a_scope_that_is_missing_for_one_task_ends_its_wait_only(tc, holding, monkeypatch):
    tasks = tc.bulk.create(60, state="completed")
    monkeypatch.setattr(tc, "anonymous_scopes", [])
    holding(*(f"queue:status:{task_id}" for task_id in tasks[1:]))

    async def main():
        found = await asyncio.gather(*start(*(trigger(completed(task_id), conn_id="tc_limited") for task_id in tasks)))
        assert outcomes(found) == ["over"] + ["found"] * 59
        assert f"queue:status:{tasks[0]}" in found[0]["message"]

    run(main)
    assert len(api_paths(tc)) < 40, "pages are halved, not asked one by one"


def test_wrong_credentials_end_all_waits_without_a_flood(tc, connect):
    tasks = tc.bulk.create(60, state="completed")
    connect(password="wrong")

    async def main():
        found = await asyncio.gather(*start(*(trigger(completed(task_id)) for task_id in tasks)))
        assert outcomes(found) == ["over"] * 60
        assert "check client ID and access token" in found[0]["message"]

    run(main)
    assert len(api_paths(tc)) <= 2


def test_credentials_that_were_changed_are_read_again(tc, connect):
    first, second = tc.bulk.create(2)
    token = tc.add_client("tests/rotated", ["*"])
    connect(login="tests/rotated", password=token)

    async def main():
        tasks = start(trigger(completed(first)), trigger(completed(second)))
        await asyncio.sleep(INTERVAL * 2)
        fresh = tc.add_client("tests/rotated", ["*"])
        connect(login="tests/rotated", password=fresh)
        tc.bulk.resolve([first, second])
        assert outcomes(await asyncio.gather(*tasks)) == ["found", "found"]

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


@pytest.mark.parametrize("status", [429, 503, 500, 502, 408, 0])
def test_what_may_pass_never_ends_a_wait(tc, connect, no_waiting, status):
    tasks = tc.bulk.create(5, state="completed")
    with scripted_api(tc.root_url) as api:
        api.add(STATUSES, status, times=4, headers={"Retry-After": "7"} if status in {429, 503} else {})
        connect(host=api.url)

        async def main():
            found = await asyncio.gather(*start(*(trigger(completed(task_id)) for task_id in tasks)))
            assert outcomes(found) == ["found"] * 5

        run(main)
    assert len(no_waiting) == 4
    if status in {429, 503}:
        assert min(no_waiting) >= 7, "for as long as the service asks"
    else:
        assert no_waiting[3] > no_waiting[0], "for longer each time"


def test_a_service_that_wants_rest_is_left_alone_in_the_middle_of_a_round(tc, connect):
    objects = [f"waits/{number}" for number in range(200)]
    with scripted_api(tc.root_url) as api:
        api.add("/object/", 429, times=float("inf"))
        connect(host=api.url)

        async def main():
            tasks = start(*(trigger(ObjectWait(names=[name]), interval=2) for name in objects))
            await until(lambda: api.asked)
            await asyncio.sleep(0.05)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

        run(main)
        assert len(api.asked) < 60


def test_one_object_that_fails_holds_up_nobody(tc, connect, hook, name, expires, no_waiting):
    hook.upload_object(b"x", name, expires=expires)
    hook.upload_object(b"x", f"{name}-bad", expires=expires)
    with scripted_api(tc.root_url) as api:
        api.add(f"{name}-bad", 500, times=3)
        connect(host=api.url)

        async def main():
            good, bad = start(trigger(ObjectWait(names=[name])), trigger(ObjectWait(names=[f"{name}-bad"])))
            assert (await good)["outcome"] == "found"
            assert not bad.done()
            assert (await bad)["outcome"] == "found"

        run(main)


def test_a_service_that_is_down_does_not_hold_up_another(tc, connect):
    (task_id,) = tc.bulk.create(1, state="completed")
    with scripted_api(tc.root_url) as api:
        api.add("/object/", 503, times=float("inf"), delay=2)
        connect(host=api.url)

        async def main():
            begun = time.monotonic()
            stuck, fine = start(trigger(ObjectWait(names=["a"])), trigger(completed(task_id), interval=0.6))
            assert (await fine)["outcome"] == "found"
            assert time.monotonic() - begun < 2
            stuck.cancel()
            await asyncio.wait([stuck])

        run(main)


def test_waits_added_and_given_up_during_a_poll_are_neither_lost_nor_answered_twice(tc, connect):
    tasks = tc.bulk.create(40, state="completed")
    with scripted_api(tc.root_url) as api:
        api.add(STATUSES, None, times=2, delay=1)
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


def test_a_wait_survives_the_service(tmp_path, monkeypatch):
    with Emulator(data_dir=tmp_path) as tc:
        port = int(tc.root_url.rpartition(":")[2])
        (task_id,) = tc.bulk.create(1, state="running")
        connection = {
            "conn_type": "taskcluster",
            "host": tc.root_url,
            "login": tc.client_id,
            "password": tc.access_token,
        }
    monkeypatch.setenv("AIRFLOW_CONN_TC_OWN", json.dumps(connection))

    async def main():
        (task,) = start(trigger(completed(task_id), conn_id="tc_own"))
        await asyncio.sleep(INTERVAL * 3)
        assert not task.done()
        again = await asyncio.to_thread(Emulator(data_dir=tmp_path, port=port).__enter__)
        try:
            await asyncio.sleep(INTERVAL * 2)
            again.bulk.resolve([task_id])
            assert (await task)["outcome"] == "found"
        finally:
            await asyncio.to_thread(again.__exit__, None, None, None)

    run(main)


def test_two_connections_have_pollers_of_their_own(tc, connect):
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


def test_a_connection_that_cannot_be_ends_the_wait(tc, connect):
    connect(host="http://127.0.0.1:1/")

    async def main():
        found = await event(trigger(ObjectWait(names=["a"])))
        assert found["outcome"] == "over"
        assert "ends with a slash" in found["message"]

    run(main)


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
    monkeypatch.setattr(asking, "LARGEST_PAGE", 10)
    tasks = tc.bulk.create(25, state="completed")

    async def main():
        assert outcomes(await asyncio.gather(*start(trigger(completed(*tasks))))) == ["found"]

    run(main)
    assert len(api_paths(tc)) == 3

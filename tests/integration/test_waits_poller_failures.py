"""Waits in one loop with failing services, or without sufficient scopes."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from scripted_api import scripted_api
from waits_in_a_loop import INTERVAL, STATUSES, api_paths, completed, event, outcomes, run, start, trigger, until

from airflow_provider_taskcluster.emulator import Emulator
from airflow_provider_taskcluster.emulator.store.faults import Status
from airflow_provider_taskcluster.hooks.asynchronous import TaskclusterAsyncHook, shared_waits
from airflow_provider_taskcluster.waits import grace_period, poller
from airflow_provider_taskcluster.waits.conditions.objects import ObjectWait
from airflow_provider_taskcluster.waits.protocol import Found
from airflow_provider_taskcluster.waits.wait_log import WaitLog


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


def test_credentials_that_stay_wrong_end_all_waits_without_a_flood(tc, connect, monkeypatch):
    monkeypatch.setattr(grace_period, "GRACE_SECONDS", 0)
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
    held = []  # as a call does that is still under way

    async def main():
        tasks = start(trigger(completed(first)), trigger(completed(second)))
        await asyncio.sleep(INTERVAL * 2)
        held.extend([await known.client() for known in poller._pollers[asyncio.get_running_loop()].values()])
        fresh = tc.add_client("tests/rotated", ["*"])
        connect(login="tests/rotated", password=fresh)
        tc.bulk.resolve([first, second])
        assert outcomes(await asyncio.gather(*tasks)) == ["found", "found"]

    run(main)
    (old,) = held
    assert old.transport._session is None, "closed with the poller, whoever holds it"


def test_twenty_of_twenty_waits_survive_a_rotation_of_which_the_connection_learns_later(tc, connect, no_waiting):
    tasks = tc.bulk.create(20)
    connect(login="tests/rotated", password=tc.add_client("tests/rotated", ["*"]))

    async def main():
        waits = start(*(trigger(completed(task_id)) for task_id in tasks))
        await until(lambda: api_paths(tc))
        fresh = tc.add_client("tests/rotated", ["*"])
        refused = len(api_paths(tc))
        tc.bulk.resolve(tasks)
        await until(lambda: len(api_paths(tc)) > refused + 3)
        assert not any(wait.done() for wait in waits)
        connect(login="tests/rotated", password=fresh)
        assert outcomes(await asyncio.gather(*waits)) == ["found"] * 20

    run(main)
    assert no_waiting[2] > no_waiting[0], "for longer each time"


def test_a_connection_that_is_half_changed_is_read_once_more(tc, connect):
    (task_id,) = tc.bulk.create(1)
    connect(login="tests/rotated", password=tc.add_client("tests/rotated", ["*"]))

    async def main():
        (wait,) = start(trigger(completed(task_id)))
        await until(lambda: api_paths(tc))
        fresh = tc.add_client("tests/rotated", ["*"])
        connect(login="tests/rotated", password="")
        refused = len(api_paths(tc))
        tc.bulk.resolve([task_id])
        await until(lambda: len(api_paths(tc)) > refused + 1)
        assert not wait.done()
        connect(login="tests/rotated", password=fresh)
        assert outcomes([await wait]) == ["found"]

    run(main)


def test_a_401_is_final_when_no_secrets_backend_would_cache_any_more(tc, connect, monkeypatch):
    monkeypatch.setattr(grace_period, "GRACE_SECONDS", INTERVAL * 4)
    (task_id,) = tc.bulk.create(1)
    connect(login="tests/rotated", password=tc.add_client("tests/rotated", ["*"]))

    async def main():
        (wait,) = start(trigger(completed(task_id)))
        await until(lambda: api_paths(tc))
        tc.add_client("tests/rotated", ["*"])
        begun = time.monotonic()
        found = await wait
        assert found["outcome"] == "over"
        assert "check client ID and access token" in found["message"]
        assert INTERVAL * 4 <= time.monotonic() - begun < INTERVAL * 12

    run(main)


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


def test_a_round_that_breaks_down_is_repeated(tc, hook, caplog):
    tasks, opened = tc.bulk.create(1, state="completed"), []

    async def client():
        opened.append(client)
        if len(opened) == 1:
            raise ZeroDivisionError("nobody thought of it")
        return (await TaskclusterAsyncHook.open("tc_test", max_retries=0)).client

    async def main():
        async with poller.shared_poller("breaks", client) as waits:
            assert isinstance(await waits.verdict_of(completed(*tasks), INTERVAL), Found)

    run(main)
    assert "A round of looks broke down: ZeroDivisionError: nobody thought of it" in caplog.text


def test_an_unexpected_error_of_one_look_leaves_the_others(tc, hook, name, expires):
    hook.upload_object(b"data", name, expires=expires)

    async def main():
        client = (await TaskclusterAsyncHook.open("tc_test", max_retries=0)).client
        call = client.call

        async def odd(service, method, *arguments, **options):
            if arguments == ("odd",):
                raise ZeroDivisionError("nobody thought of it")
            return await call(service, method, *arguments, **options)

        async def opened():
            client.call = odd
            return client

        async with poller.shared_poller("odd", opened) as waits:
            other = asyncio.create_task(waits.verdict_of(ObjectWait(names=["odd"]), INTERVAL))
            looks = waits.verdict_of(ObjectWait(names=[name]), INTERVAL)
            assert isinstance(await asyncio.wait_for(looks, 20 * INTERVAL), Found)
            assert not other.done()
            other.cancel()
            await asyncio.wait([other])

    run(main)


def test_no_wait_hangs_when_the_rounds_end(tc, hook):
    class Broken(WaitLog):
        def look_failed(self, *_):
            raise ZeroDivisionError("nobody thought of it")

    tc.api_faults.add(Status(503), times=100)

    async def main():
        async with shared_waits("tc_test") as waits:
            for _ in range(2):  # the next wait begins anew
                with pytest.raises(ZeroDivisionError):
                    await waits.verdict_of(ObjectWait(names=["a"]), INTERVAL, log=Broken())

    run(main)


def test_a_connection_that_cannot_be_ends_the_wait(tc, connect):
    connect(host="127.0.0.1:1")

    async def main():
        found = await event(trigger(ObjectWait(names=["a"])))
        assert found["outcome"] == "over"
        assert "has no scheme" in found["message"]

    run(main)

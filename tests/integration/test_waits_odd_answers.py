"""Waits in one loop with malformed service responses: each query fails alone."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

import pytest
from odd_answers import DEEP
from scripted_api import scripted_api
from waits_in_a_loop import INTERVAL, STATUSES, completed, outcomes, run, start, trigger, until

from airflow_provider_taskcluster.hooks.asynchronous import shared_waits
from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor
from airflow_provider_taskcluster.waits.conditions.artifacts import ArtifactWait
from airflow_provider_taskcluster.waits.conditions.index import IndexWait
from airflow_provider_taskcluster.waits.conditions.objects import ObjectWait
from airflow_provider_taskcluster.waits.conditions.tasks import TaskGroupWait

ODD = {
    "not UTF-8": b'{"status": "\xff"}',
    "nested": DEEP,
    "html": b"<html>welcome</html>",
    "null": b"null",
    "another shape": b'{"statuses": 7, "status": [], "hashes": 1}',
    "cut": b'{"statuses": [',
    "a number of 5000 digits": b"1" * 5000,
}


@pytest.fixture
def behind(tc, hook, connect):
    """What stands between the emulator and the hook, and changes answers."""
    with scripted_api(tc.root_url) as api:
        connect(host=api.url)
        yield api


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_an_odd_answer_is_a_look_that_came_to_nothing(tc, behind, body):
    tasks = tc.bulk.create(20, state="completed")
    behind.add(STATUSES, times=3, change=lambda _: body)
    behind.add("/task/", times=40, change=lambda _: body)

    async def main():
        assert (
            outcomes(await asyncio.gather(*start(*(trigger(completed(task_id)) for task_id in tasks))))
            == ["found"] * 20
        )

    run(main)


def spoilt(task_id, how):
    """Spoil the entry of one task, wherever it is in an answer."""

    def change(body):
        if task_id.encode() not in body or (b'"statuses"' not in body and b'"status"' not in body):
            return body
        if how == "not UTF-8":
            return body.replace(task_id.encode(), b"\xff" * 22)
        answer = json.loads(body)
        for entry in answer.get("statuses", [answer]):
            if entry["status"]["taskId"] == task_id:
                entry["status"] = {"type": {**entry["status"], "runs": 7}, "gone": None}[how]
        return json.dumps(answer).encode()

    return change


@pytest.mark.parametrize("how", ["not UTF-8", "type", "gone"])
def test_a_task_that_stays_odd_holds_up_nobody(tc, behind, how, caplog):
    tasks = tc.bulk.create(60, state="completed")
    behind.add("/queue/v1/task", times=float("inf"), change=spoilt(tasks[7], how))

    async def main():
        waits = start(*(trigger(completed(task_id)) for task_id in tasks))
        others = [*waits[:7], *waits[8:]]
        assert outcomes(await asyncio.gather(*others)) == ["found"] * 59
        assert not waits[7].done()
        behind.rules.clear()
        assert (await waits[7])["outcome"] == "found"

    run(main)
    assert "1 looks came to nothing, one of them by this: queue.status" in caplog.text
    assert len(behind.asked) < 60, "pages are halved, not asked one by one"


def without_runs(body):
    """Spoil each status, so that the rest of a response can be read."""
    answer = json.loads(body)
    for entry in answer.get("statuses", [answer]):
        entry["status"]["runs"] = 7
    return json.dumps(answer).encode()


@pytest.mark.parametrize("change", [lambda _: b"<html>", without_runs], ids=["responses", "statuses"])
def test_where_all_is_odd_the_service_is_not_flooded(tc, behind, change, caplog):
    tasks = tc.bulk.create(1000, state="completed")
    behind.add("/queue/", times=float("inf"), change=change)

    async def main():
        waits = start(*(trigger(completed(task_id), interval=1) for task_id in tasks))
        await until(lambda: "looks came to nothing" in caplog.text or "could not be looked at" in caplog.text)
        assert not any(wait.done() for wait in waits)
        assert len(behind.asked) < 150
        behind.rules.clear()
        assert outcomes(await asyncio.gather(*waits)) == ["found"] * 1000

    run(main)


def test_each_kind_of_wait_survives_odd_answers(tc, behind, hook, worker, name, expires):
    (group,) = tc.bulk.create(1, state="completed", routes=["index.tests.odd"])
    claimed = worker.claim(worker.create_task())
    claimed.add("public/a", b"x")
    hook.upload_object(b"x", name, expires=expires)
    waits = {
        "/artifacts": ArtifactWait(task_id=claimed.task_id, names=["public/a"]),
        "/object/": ObjectWait(names=[name]),
        "/index/": IndexWait(index_path="tests.odd"),
        "/task-group/": TaskGroupWait(task_group_id=group, states=["completed"]),
    }
    for path in waits:
        for body in (b"\xff", DEEP, b"{}"):
            behind.add(path, change=lambda _, body=body: body)

    async def main():
        assert outcomes(await asyncio.gather(*start(*map(trigger, waits.values())))) == ["found"] * 4

    run(main)
    assert not [rule for rule in behind.rules if rule.times > 0]


@dataclass(frozen=True)
class Broken:
    """A wait with a fault that nobody thought of: before it asks, or when it has its answer."""

    asks: bool

    service = "object"

    def talk(self, root_url, memory):
        if self.asks:
            yield from ObjectWait(names=["a"]).talk(root_url, memory)
        raise ZeroDivisionError("nobody\nthought of it")
        yield []


@pytest.mark.parametrize("asks", [True, False])
def test_a_fault_that_nobody_thought_of_ends_no_other_wait(tc, hook, name, expires, caplog, asks):
    hook.upload_object(b"x", name, expires=expires)

    async def main():
        async with shared_waits("tc_test") as poller:
            broken = asyncio.create_task(poller.verdict_of(Broken(asks), INTERVAL))
            found = await poller.verdict_of(ObjectWait(names=[name]), INTERVAL)
            assert found.result["objects"][0]["name"] == name
            await until(lambda: "came to nothing" in caplog.text)
            assert not broken.done()
            broken.cancel()
            await asyncio.wait([broken])

    run(main)
    assert r"ZeroDivisionError: nobody\nthought of it (test_waits_odd_answers.py, line" in caplog.text


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_a_sensor_that_pokes_waits_on_too(behind, hook, name, expires, body):
    hook.upload_object(b"x", name, expires=expires)
    sensor = TaskclusterObjectSensor(task_id="task", taskcluster_conn_id="tc_test", name=name)
    behind.add("/object/", change=lambda _: body)
    assert not sensor.poke({}).is_done
    assert sensor.poke({}).is_done

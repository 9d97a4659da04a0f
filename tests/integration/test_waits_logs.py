"""Logs of the shared poller go to the context of each wait, as in a triggerer."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from contextvars import ContextVar

import pytest
from waits_in_a_loop import INTERVAL, api_paths, completed, event, run, trigger, until

from airflow_provider_taskcluster.emulator.store.faults import Status
from airflow_provider_taskcluster.waits import poller, wait_log
from airflow_provider_taskcluster.waits.conditions.objects import ObjectWait

TRIGGER = ContextVar("TRIGGER", default="triggerer")


class ByTrigger(logging.Handler):
    """Sorts lines by the context in which they are logged, as triggerers do."""

    def __init__(self):
        super().__init__()
        self.lines = defaultdict(list)

    def emit(self, record):
        self.lines[TRIGGER.get()].append(f"{record.levelname} {record.getMessage()}")

    def of(self, name, text):
        return [line for line in self.lines[name] if text in line]


@pytest.fixture
def logs():
    log = logging.getLogger("airflow_provider_taskcluster")
    handler = ByTrigger()
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield handler
    log.removeHandler(handler)
    log.setLevel(level)


def start(**triggers):
    """Start triggers, each in a context with its name."""

    async def named(name, started):
        TRIGGER.set(name)
        return await event(started)

    return [asyncio.create_task(named(name, each)) for name, each in triggers.items()]


async def end(tasks):
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def test_a_wait_that_goes_on_says_what_its_last_look_came_to(tc, hook, logs, monkeypatch):
    monkeypatch.setattr(wait_log, "REPORT_EVERY", INTERVAL * 1.5)
    (task_id,) = tc.bulk.create(1)

    async def main():
        tasks = start(one=trigger(completed(task_id)), two=trigger(ObjectWait(names=["waits/none"])))
        await until(lambda: all(len(logs.of(name, "The last look: 1 of 1")) > 1 for name in ("one", "two")))
        await end(tasks)

    run(main)
    assert set(logs.of("one", "Waiting on")[1:]) == {"INFO Waiting on. The last look: 1 of 1 tasks are not completed"}
    assert "objects are not finished, 'waits/none'" in logs.of("two", "Waiting on")[-1]
    assert not logs.of("triggerer", "Waiting on")


def test_until_its_first_look_it_says_where_the_last_one_is_found(tc, hook, logs, monkeypatch):
    monkeypatch.setattr(wait_log, "REPORT_EVERY", INTERVAL)
    (task_id,) = tc.bulk.create(1)
    looked = len(api_paths(tc))

    async def main():
        tasks = start(one=trigger(completed(task_id), interval=60))
        await until(lambda: logs.of("one", "Waiting on"))
        await end(tasks)

    run(main)
    assert logs.of("one", "Waiting on")[0] == (
        "INFO Waiting on. The last look: that of the worker, or of another triggerer, above in this log"
    )
    assert len(api_paths(tc)) == looked


def test_at_least_every_five_minutes():
    assert wait_log.REPORT_EVERY + 60 <= 300


def test_an_outage_is_told_to_all_that_wait_once(tc, hook, connect, logs):
    first, second = tc.bulk.create(2)

    async def main():
        slow = trigger(completed(second), interval=60)
        tasks = start(one=trigger(completed(first)), two=trigger(completed(second)), slow=slow)
        await until(lambda: len(api_paths(tc)) > 1)
        tc.api_faults.add(Status(503), times=1000)
        await until(lambda: len(logs.of("triggerer", "waits could not be looked at")) > 2)
        await end(tasks)

    run(main)
    for name in ("one", "two", "slow"):
        (line,) = logs.of(name, "Could not look")
        assert line.startswith("WARNING Could not look, waiting on, next try in ")


def test_an_error_of_one_wait_goes_to_its_log_alone(tc, hook, logs):
    (first,) = tc.bulk.create(1)

    async def main():
        tasks = start(one=trigger(completed(first)), two=trigger(ObjectWait(names=["waits/a"])))
        await until(lambda: logs.of("two", "Could not look"))
        await end(tasks)

    tc.api_faults.add(Status(500), path="/metadata/", times=1000)
    run(main)
    assert not logs.of("one", "Could not look")


def test_the_triggerers_own_log_has_one_summary(tc, hook, logs, monkeypatch):
    monkeypatch.setattr(poller, "SUMMARY_EVERY", INTERVAL * 4)
    (task_id,) = tc.bulk.create(1)

    async def main():
        tasks = start(
            one=trigger(completed(task_id)),
            two=trigger(completed(task_id)),
            three=trigger(ObjectWait(names=["waits/none"])),
        )
        await until(lambda: len(logs.of("triggerer", "requests in the last")) > 1)
        await end(tasks)

    run(main)
    first, second = logs.of("triggerer", "requests in the last")[:2]
    assert first.startswith("INFO 3 waits for Taskcluster; requests in the last ")
    counted = sum(int(line.partition(" s: ")[2].partition(",")[0]) for line in (first, second))
    assert 4 <= counted <= len(api_paths(tc))
    assert second.endswith("errors: 0")
    for name in ("one", "two", "three"):
        assert not logs.of(name, "requests in the last")

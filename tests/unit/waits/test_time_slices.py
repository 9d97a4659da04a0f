"""Thousands of waits do not keep the event loop busy: other tasks of it run in between."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from types import SimpleNamespace

import pytest

from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.exceptions import ConnectionFailed
from airflow_provider_taskcluster.services.client import Client
from airflow_provider_taskcluster.waits import time_slices
from airflow_provider_taskcluster.waits.batching import Batcher
from airflow_provider_taskcluster.waits.conditions.tasks import TaskWait
from airflow_provider_taskcluster.waits.poll_loop import PendingWait, PollLoop
from airflow_provider_taskcluster.waits.questions import IndexedAt, MetadataOf, StatusOf
from airflow_provider_taskcluster.waits.time_slices import TIME_SLICE, yielding_to_loop

COUNT = 3000
TICK = TIME_SLICE / 4
# Items after which a loop over them must have yielded.
ITEMS = 6


@pytest.fixture(autouse=True)
def _each_look_at_the_clock_takes_long(monkeypatch):
    ticks = itertools.count()
    monkeypatch.setattr(time_slices, "time", SimpleNamespace(monotonic=lambda: next(ticks) * TICK))


def beats_during(work):
    """Return how often another task of the loop ran during a piece of work that waits for nothing."""
    beats = itertools.count()

    async def beat():
        while True:
            await asyncio.sleep(0)
            next(beats)

    async def main():
        beating = asyncio.create_task(beat())
        await work()
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating

    asyncio.run(main())
    return next(beats)


def test_a_loop_over_items_yields():
    async def work():
        assert [item async for item in yielding_to_loop(range(COUNT))] == list(range(COUNT))

    assert beats_during(work) >= COUNT // ITEMS


@pytest.mark.parametrize("kind", [StatusOf, IndexedAt, MetadataOf])
def test_sorting_questions_and_collecting_their_answers_yields(kind):
    """No call is made: a service has asked for a pause."""

    async def work():
        batcher = Batcher(Client("https://tc.example.com", None, network=Network()))
        batcher._outage = outage
        answers = await batcher.ask({kind(str(number)) for number in range(COUNT)})
        assert list(answers.values()) == [outage] * COUNT

    outage = ConnectionFailed("away", transient=True)
    assert beats_during(work) >= 2 * COUNT // ITEMS


def test_an_outage_of_all_waits_yields(caplog):
    class Away:
        async def client(self):
            raise ConnectionFailed("away", transient=True)

    async def work():
        loop = PollLoop(Away())
        wait = TaskWait(task_ids=["V"], states=["completed"])
        entries = [PendingWait(wait, 60.0, 0.0, asyncio.get_running_loop().create_future()) for _ in range(COUNT)]
        await loop._poll(entries)
        assert all(entry.due > 0 for entry in entries)

    assert beats_during(work) >= 2 * COUNT // ITEMS

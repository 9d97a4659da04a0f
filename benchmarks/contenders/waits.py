"""This provider's triggers, all in one event loop as in a triggerer, but without Airflow's bookkeeping."""

from __future__ import annotations

import asyncio
import importlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.triggers.run_trigger import TaskclusterRunTrigger
from airflow_provider_taskcluster.triggers.waits import TaskclusterWaitTrigger

if TYPE_CHECKING:
    from collections.abc import Callable

# The package loads these on first use; here they are loaded before memory is measured.
LAZY = ("taskcluster", "aiohttp")
BEAT = 0.005
# Waits that are started together.
BATCH = 500


def hold(waits: str, report: str, interval: float, seconds: float) -> Callable[[], int]:
    """Hold waits for some seconds.

    :param waits: File with the serialized waits.
    :param report: File for ``events`` (number of the wait, outcome, monotonic time) and ``lag``: the seconds by which
        the event loop was late, sorted, when idle and when busy with the waits.
    """
    for module in LAZY:
        importlib.import_module(module)
    descriptions = json.loads(Path(waits).read_text())

    def work() -> int:
        Path(report).write_text(json.dumps(asyncio.run(_hold(descriptions, interval, seconds))))
        return 0

    return work


async def _hold(descriptions: list[Any], interval: float, seconds: float) -> dict[str, Any]:
    events: list[tuple[int, str, float]] = []

    async def run(number: int, description: Any) -> None:
        nonlocal events
        async for event in _trigger(description, interval).run():
            events += [(number, event.payload["outcome"], time.monotonic())]

    idle = await _lag(seconds / 4)
    running = []
    for number, wait in enumerate(descriptions):
        running.append(asyncio.create_task(run(number, wait)))
        if number % BATCH == 0:
            await asyncio.sleep(0.01)  # a triggerer does not start them all at once
    await asyncio.sleep(1)
    busy = await _lag(seconds)
    for task in running:
        task.cancel()
    await asyncio.wait(running)
    return {"events": events, "lag": {"idle": idle, "busy": busy}}


def _trigger(description: Any, interval: float) -> TaskclusterWaitTrigger:
    """Return the trigger that holds a wait: that of the operators if it follows a run, else that of the sensors."""
    options: Any = {"wait": description, "taskcluster_conn_id": "taskcluster_default", "interval": interval}
    if description["kind"] == "run":
        return TaskclusterRunTrigger(cancel=True, **options)
    return TaskclusterWaitTrigger(**options)


async def _lag(seconds: float) -> list[float]:
    late = []
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        await asyncio.sleep(BEAT)
        late.append(time.perf_counter() - begun - BEAT)
    return sorted(late)

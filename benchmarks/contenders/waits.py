"""This provider's triggers, all in one event loop as in a triggerer, without Airflow's bookkeeping around them."""

from __future__ import annotations

import asyncio
import importlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.triggers.waits import TaskclusterWaitTrigger

if TYPE_CHECKING:
    from collections.abc import Callable

# Loaded by the package when they are needed, here before memory is watched.
LAZY = ("taskcluster.aio", "aiohttp", "tenacity")
BEAT = 0.005


def hold(waits: str, report: str, interval: float, seconds: float) -> Callable[[], int]:
    """Hold waits for so many seconds.

    :param waits: File with their descriptions.
    :param report: File to leave ``events`` in (number of the wait, outcome, monotonic time), and ``lag``: by how many
        seconds the loop was late, sorted, when it was idle and when it held the waits.
    """
    for module in LAZY:
        importlib.import_module(module)
    descriptions = json.loads(Path(waits).read_text())

    def work() -> int:
        found = asyncio.run(_hold(descriptions, interval, seconds))
        Path(report).write_text(json.dumps(found))
        return 0

    return work


async def _hold(descriptions: list[Any], interval: float, seconds: float) -> dict[str, Any]:
    events: list[tuple[int, str, float]] = []

    async def run(number: int, description: Any) -> None:
        nonlocal events
        trigger = TaskclusterWaitTrigger(wait=description, taskcluster_conn_id="taskcluster_default", interval=interval)
        async for event in trigger.run():
            events += [(number, event.payload["outcome"], time.monotonic())]

    idle = await _lag(seconds / 4)
    running = [asyncio.create_task(run(number, found)) for number, found in enumerate(descriptions)]
    await asyncio.sleep(1)  # a triggerer does not start them all at once
    busy = await _lag(seconds)
    for task in running:
        task.cancel()
    await asyncio.wait(running)
    return {"events": events, "lag": {"idle": idle, "busy": busy}}


async def _lag(seconds: float) -> list[float]:
    late = []
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        await asyncio.sleep(BEAT)
        late.append(time.perf_counter() - begun - BEAT)
    return sorted(late)

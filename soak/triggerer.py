"""An event loop in a thread that runs triggers, as a triggerer does, without Airflow's bookkeeping."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_taskcluster.triggers.waits import TaskclusterWaitTrigger
from airflow_provider_taskcluster.waits.serialization import serialize_wait

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from airflow_provider_taskcluster.waits.protocol import Wait

INTERVAL = 1.0


class Triggerer:
    """A thread with an event loop; a context manager."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="triggerer")
        self._held: list[Future[dict[str, Any]]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._held:
            each.cancel()
        asyncio.run_coroutine_threadsafe(_all_ended(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, wait: Wait) -> Future[dict[str, Any]]:
        """Run the trigger of a wait; the future receives the payload of its event."""
        return asyncio.run_coroutine_threadsafe(_event(wait), self._loop)

    def hold(self, waits: Sequence[Wait]) -> None:
        """Run triggers that end with the process."""
        self._held += [self.run(wait) for wait in waits]


async def _event(wait: Wait) -> dict[str, Any]:
    trigger = TaskclusterWaitTrigger(
        wait=serialize_wait(wait), taskcluster_conn_id="taskcluster_default", interval=INTERVAL
    )
    return {key: value async for event in trigger.run() for key, value in event.payload.items()}


async def _all_ended() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others)

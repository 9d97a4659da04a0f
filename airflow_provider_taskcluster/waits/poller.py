"""The poller that all waits of one connection in one event loop share; a triggerer has one loop."""

from __future__ import annotations

import asyncio
import logging
import weakref
from contextlib import asynccontextmanager
from contextvars import Context
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.services.traffic import Traffic
from airflow_provider_taskcluster.waits.poll_loop import PollLoop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Hashable

    from airflow_provider_taskcluster.services.client import Client
    from airflow_provider_taskcluster.waits.backoff import Backoff
    from airflow_provider_taskcluster.waits.protocol import Found, Over, Wait
    from airflow_provider_taskcluster.waits.wait_log import WaitLog

log = logging.getLogger(__name__)

# Seconds between two summaries.
SUMMARY_EVERY = 60.0

_pollers: dict[asyncio.AbstractEventLoop, dict[Hashable, Poller]] = {}
_summaries: dict[asyncio.AbstractEventLoop, asyncio.TimerHandle] = {}


class Poller:
    """One client, with one persistent session, and a poll loop for each service: an outage of one leaves others alone.

    :param open_client: Reads the connection and makes the client.
    """

    def __init__(self, open_client: Callable[[], Awaitable[Client]]) -> None:
        self.users = 0
        self.traffic = Traffic()
        self._open_client = open_client
        self._opening = asyncio.Lock()
        self._client: Client | None = None
        self._replaced: weakref.WeakSet[Client] = weakref.WeakSet()
        self._poll_loops: dict[str, PollLoop] = {}

    async def verdict_of(
        self, wait: Wait, interval: float, *, backoff: Backoff | None = None, log: WaitLog | None = None
    ) -> Found | Over:
        """Look at a wait until it is met, or can no longer be; the first look comes after one interval.

        :param interval: Seconds between two looks.
        :param backoff: Makes them longer.
        :param log: Logs the results of the looks.
        """
        if wait.service not in self._poll_loops:
            self._poll_loops[wait.service] = PollLoop(self)
        return await self._poll_loops[wait.service].verdict_of(wait, interval, backoff=backoff, log=log)

    @property
    def waits(self) -> int:
        """Number of waits."""
        return sum(poll_loop.count for poll_loop in self._poll_loops.values())

    async def client(self) -> Client:
        """Return the client, made on first use."""
        async with self._opening:
            if self._client is None:
                self._client = await self._opened()
            return self._client

    async def renewed(self, client: Client) -> bool:
        """Read the connection again after a 401; tell whether its credentials have changed."""
        async with self._opening:
            if self._client is client:
                fresh = await self._opened()
                if (fresh.root_url, fresh.credentials) == (client.root_url, client.credentials):
                    return False
                self._replaced.add(client)  # its calls may still be running; it is closed with the poller at the latest
                self._client = fresh
            return True

    async def _opened(self) -> Client:
        client = await self._open_client()
        client.traffic = self.traffic
        return client

    async def close(self) -> None:
        """Close the connections."""
        for client in [*self._replaced, *filter(None, [self._client])]:
            await client.close()


def _summarize(loop: asyncio.AbstractEventLoop) -> None:
    """Log the number of waits of an event loop, and of their requests since the last summary."""
    _summaries[loop] = loop.call_later(SUMMARY_EVERY, _summarize, loop)
    pollers = _pollers[loop].values()
    counts = [poller.traffic.take() for poller in pollers]
    log.info(
        "%d waits for Taskcluster; requests in the last %d s: %d, errors: %d",
        sum(poller.waits for poller in pollers),
        SUMMARY_EVERY,
        sum(count.requests for count in counts),
        sum(count.errors for count in counts),
    )


@asynccontextmanager
async def shared_poller(key: Hashable, open_client: Callable[[], Awaitable[Client]]) -> AsyncIterator[Poller]:
    """Share the poller of a key within the running event loop; the last user closes it.

    :param key: The connection, and the options that its client depends on.
    """
    loop = asyncio.get_running_loop()
    for other in [known for known in _pollers if known.is_closed()]:  # closed before its tasks had ended
        del _pollers[other], _summaries[other]
    if loop not in _pollers:
        _pollers[loop] = {}
        # A context of its own: summaries belong in the triggerer's log, not in that of the wait that came first.
        _summaries[loop] = loop.call_later(SUMMARY_EVERY, _summarize, loop, context=Context())
    pollers = _pollers[loop]
    poller = pollers.setdefault(key, Poller(open_client))
    poller.users += 1
    try:
        yield poller
    finally:
        poller.users -= 1
        if not poller.users:
            del pollers[key]
            if not pollers:
                del _pollers[loop]
                _summaries.pop(loop).cancel()
            await poller.close()

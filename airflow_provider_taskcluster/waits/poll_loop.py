"""The poll loop: looks at all waits on one service in rounds, until each has its verdict."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import random
import time
from contextvars import Context
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_taskcluster.common.messages import exception_summary, visible
from airflow_provider_taskcluster.common.retry import RetryPolicy
from airflow_provider_taskcluster.exceptions import AuthenticationFailed, TaskclusterError, WaitFailed
from airflow_provider_taskcluster.waits.batching import Batcher
from airflow_provider_taskcluster.waits.check import look_at_all
from airflow_provider_taskcluster.waits.grace_period import GracePeriod
from airflow_provider_taskcluster.waits.protocol import Found, Look, NotYet, Over
from airflow_provider_taskcluster.waits.time_slices import yielding_to_loop
from airflow_provider_taskcluster.waits.wait_log import WaitLog

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from airflow_provider_taskcluster.services.client import Client
    from airflow_provider_taskcluster.waits.backoff import Backoff
    from airflow_provider_taskcluster.waits.protocol import Wait
    from airflow_provider_taskcluster.waits.questions import Question

log = logging.getLogger(__name__)

SHORTEST_INTERVAL = 0.1
# First looks are moved to a common point in time: by at most this share of the interval, and this many seconds.
GATHERING_SHARE, LONGEST_GATHERING = 1 / 20, 1.0


class ClientProvider(Protocol):
    """Provides the client of a connection."""

    async def client(self) -> Client:
        """Return the client, made on first use. It does not retry: the next round is the next try."""

    async def renewed(self, client: Client) -> bool:
        """Read the connection again after a 401; tell whether its credentials have changed."""


@dataclass(slots=True, eq=False)
class PendingWait:
    """A wait in the poll loop.

    :param due: Time of its next look, by the clock of the event loop.
    :param done: Receives the verdict.
    :param backoff: Makes intervals longer.
    :param log: Logs the results of its looks.
    :param memory: The ``memory`` of the last ``NotYet``.
    """

    wait: Wait
    interval: float
    due: float
    done: asyncio.Future[Found | Over]
    backoff: Backoff | None = None
    log: WaitLog = field(default_factory=WaitLog)
    memory: Any = None


class PollLoop:
    """Looks at waits in rounds, as long as there are any.

    The first look at a wait comes one interval after it was added, later ones in the rounds of that interval: waits
    with the same interval share all rounds, and intervals that are multiples of a shorter one share some of its rounds.
    """

    def __init__(self, clients: ClientProvider) -> None:
        self._clients = clients
        self._loop = asyncio.get_running_loop()
        # A random phase, so that triggerers that were started together do not ask together.
        self._phase = self._loop.time() - random.uniform(0, 60)  # noqa: S311 (not a secret)
        self._entries: dict[PendingWait, None] = {}
        self._due_earlier = asyncio.Event()
        self._next = math.inf
        self._paused_until = 0.0
        self._failures = 0
        self._grace_period = GracePeriod()
        self._task: asyncio.Task[None] | None = None

    async def verdict_of(
        self, wait: Wait, interval: float, *, backoff: Backoff | None = None, log: WaitLog | None = None
    ) -> Found | Over:
        """Look at a wait until it is met, or can no longer be.

        :param interval: Seconds between two looks.
        :param backoff: Makes them longer.
        :param log: Logs the results of the looks.
        """
        entry = PendingWait(
            wait, max(interval, SHORTEST_INTERVAL), 0.0, self._loop.create_future(), backoff, log or WaitLog()
        )
        entry.due = self._due_time(entry)
        self._add(entry)
        try:
            return await entry.done
        finally:
            await self._remove(entry)

    @property
    def count(self) -> int:
        """Number of waits."""
        return len(self._entries)

    def _due_time(self, entry: PendingWait) -> float:
        """Return the time of the next look: one interval from now, or a little later, to share a round with others."""
        interval = entry.interval
        if entry.backoff is not None:
            interval = max(entry.backoff.seconds(interval, time.time()), SHORTEST_INTERVAL)
        return self._next_round(min(interval * GATHERING_SHARE, LONGEST_GATHERING), self._loop.time() + interval)

    def _next_round(self, interval: float, not_before: float) -> float:
        """Return the time of the first round of an interval that is not before a time."""
        return self._phase + math.ceil((not_before - self._phase) / interval) * interval

    def _add(self, entry: PendingWait) -> None:
        self._entries[entry] = None
        if entry.due < self._next:
            self._due_earlier.set()
        if self._task is None or self._task.done():
            # A context of its own keeps log lines about all waits out of the log of the wait that was added first.
            self._task = asyncio.create_task(self._run(), name="taskcluster-waits", context=Context())

    async def _remove(self, entry: PendingWait) -> None:
        """Remove a wait; with the last one the loop stops, in the middle of a round too."""
        del self._entries[entry]
        if self._entries or self._task is None:
            return
        task, self._task = self._task, None
        task.cancel()
        await asyncio.wait([task])

    async def _run(self) -> None:
        try:
            while self._entries:
                await self._until_due()
                now = self._loop.time()
                await self._poll([entry for entry in self._entries if entry.due <= now])
        except Exception as error:  # noqa: BLE001 (raised to the callers)
            log.error("The looks at %d waits broke down: %s", len(self._entries), exception_summary(error))
            for entry in self._entries:  # or their callers would wait for ever
                if not entry.done.done():
                    entry.done.set_exception(error)

    async def _until_due(self) -> None:
        while True:
            self._due_earlier.clear()
            due = min((entry.due for entry in self._entries), default=math.inf)
            self._next = max(due, self._paused_until)
            left = self._next - self._loop.time()
            if left <= 0:
                self._next = 0.0  # no wait that is added during this round is due before it
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._due_earlier.wait(), left)

    async def _poll(self, entries: list[PendingWait]) -> None:
        """Look at these waits together, and set the time of the next look at each."""
        failed: dict[PendingWait, TaskclusterError] = {}
        outage: TaskclusterError | None
        try:
            batcher = Batcher(await self._clients.client())
            failed = await self._look_at(entries, batcher)
            outage = batcher.outage or next(filter(_is_refusal, failed.values()), None)
        except TaskclusterError as error:  # no client could be made
            outage = error
            if error.transient:
                failed = dict.fromkeys(entries, error)
            else:
                for entry in entries:
                    _end(entry, Over(error))
        except Exception as error:  # noqa: BLE001 (an unexpected error ends this round, not the waits)
            outage = WaitFailed(f"A round of looks broke down: {exception_summary(error)}")
            failed = dict.fromkeys(entries, outage)
        await self._back_off(outage, failed)
        now = self._loop.time()
        async for entry in yielding_to_loop(entries):
            entry.due = self._due_time(entry) if entry.backoff else self._next_round(entry.interval, now)
        for entry in failed if outage else ():
            entry.due = min(entry.due, self._paused_until)

    async def _look_at(self, entries: list[PendingWait], batcher: Batcher) -> dict[PendingWait, TaskclusterError]:
        """Look at these waits, and end those that have a verdict; return the errors of the looks that failed."""

        async def ask(questions: set[Question]) -> dict[Question, Any]:
            answers = await batcher.ask(questions)
            if refused := [question for question, answer in answers.items() if _is_refusal(answer)]:
                answers |= await self._ask_with_new_credentials(refused, batcher)
            self._tolerate_refusals(answers.values())
            return answers

        def new_look(entry: PendingWait) -> Look:
            return Look(entry.wait, batcher.client.root_url, entry.memory)

        failed: dict[PendingWait, TaskclusterError] = {}
        async for entry, verdict in look_at_all(entries, new_look, ask):
            async for line in yielding_to_loop(verdict.news):
                entry.log.happened(line)
            if isinstance(verdict, NotYet):
                entry.memory = verdict.memory
                if verdict.error:
                    failed[entry] = verdict.error
                else:
                    entry.log.not_yet(verdict.why)
            else:
                _end(entry, verdict)
        return failed

    async def _ask_with_new_credentials(self, questions: list[Question], batcher: Batcher) -> dict[Question, Any]:
        """Repeat the questions that met a 401, if the connection has other credentials by now."""
        try:
            if not await self._clients.renewed(batcher.client):
                return {}
            batcher.client = await self._clients.client()
        except TaskclusterError as error:  # from a secrets backend, or from a connection that is just being changed
            log.warning("The connection cannot be read anew: %s", visible(error))
            return {}
        return await batcher.ask(questions)

    def _tolerate_refusals(self, answers: Collection[Any]) -> None:
        """Mark 401s as transient within the grace period: a secrets backend may still return the old credentials."""
        refusals = list(filter(_is_refusal, answers))
        if not refusals and any(not isinstance(answer, TaskclusterError) for answer in answers):
            self._grace_period.accepted()
        if refusals and self._grace_period.covers(self._loop.time()):
            for error in refusals:
                error.transient = True

    async def _back_off(self, outage: TaskclusterError | None, failed: Mapping[PendingWait, TaskclusterError]) -> None:
        """Pause during an outage: longer each time, and at least as long as the service asks."""
        seconds = None
        if outage is None or not outage.transient:
            self._failures = 0
            for error in islice(failed.values(), 1):
                log.warning("%d looks came to nothing, one of them by this: %s", len(failed), visible(error))
        else:
            self._failures += 1
            seconds = RetryPolicy().wait_seconds(self._failures, outage)
            self._paused_until = self._loop.time() + seconds
            count = len(failed)
            log.warning("%d waits could not be looked at, next try in %.1f s: %s", count, seconds, visible(outage))
        async for entry, error in yielding_to_loop(failed.items()):
            entry.log.look_failed(str(error), seconds)
        if seconds is not None:  # the pause holds up the other waits as well
            async for entry in yielding_to_loop([entry for entry in self._entries if entry not in failed]):
                entry.log.look_failed(str(outage), seconds)


def _is_refusal(answer: Any) -> bool:
    return isinstance(answer, AuthenticationFailed)


def _end(entry: PendingWait, verdict: Found | Over) -> None:
    """Give a wait its verdict, unless its caller has left."""
    if not entry.done.done():
        entry.done.set_result(verdict)

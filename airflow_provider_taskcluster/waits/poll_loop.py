"""Looks at many waits on one service in rounds, until each has its verdict."""

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

from airflow_provider_taskcluster.common.messages import crash, visible
from airflow_provider_taskcluster.common.retry import RetryPolicy
from airflow_provider_taskcluster.exceptions import AuthenticationFailed, TaskclusterError, WaitFailed
from airflow_provider_taskcluster.waits.batching import Asker
from airflow_provider_taskcluster.waits.check import breathing, look_at_all
from airflow_provider_taskcluster.waits.patience import Patience
from airflow_provider_taskcluster.waits.protocol import Found, NotYet, Over, Talk
from airflow_provider_taskcluster.waits.wait_log import WaitLog

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from airflow_provider_taskcluster.services.client import Client
    from airflow_provider_taskcluster.waits.backoff import Backoff
    from airflow_provider_taskcluster.waits.protocol import Wait
    from airflow_provider_taskcluster.waits.questions import Question

log = logging.getLogger(__name__)

SHORTEST_INTERVAL = 0.1
# First looks that are due within this share of an interval, or within so many seconds, are had together.
GATHERING, LONGEST_GATHERING = 1 / 20, 1.0


class Access(Protocol):
    """The way to the services of a connection."""

    async def client(self) -> Client:
        """Return the client, made on first use. Its calls are not repeated: the next round is the next try."""

    async def renewed(self, client: Client) -> bool:
        """Read the connection again, since its credentials were refused; tell whether they have changed."""


@dataclass(slots=True, eq=False)
class Entry:
    """A wait that is looked at.

    :param due: When it is to be looked at next, in the loop's time.
    :param done: Gets the verdict.
    :param backoff: Makes intervals longer.
    :param log: Is told what looks come to.
    :param memory: What the look before has left.
    """

    wait: Wait
    interval: float
    due: float
    done: asyncio.Future[Found | Over]
    backoff: Backoff | None = None
    log: WaitLog = field(default_factory=WaitLog)
    memory: Any = None


class Rounds:
    """Looks at waits as long as there are any.

    The first look at a wait comes when its interval is over, the others when the rounds of that interval are: waits of
    one interval have their rounds together, and longer ones that are multiples of shorter ones meet them.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._loop = asyncio.get_running_loop()
        # Triggerers that were started together shall not ask together.
        self._phase = self._loop.time() - random.uniform(0, 60)  # noqa: S311 (not a secret)
        self._entries: dict[Entry, None] = {}
        self._earlier = asyncio.Event()
        self._next = math.inf
        self._resting_until = 0.0
        self._failures = 0
        self._patience = Patience()
        self._task: asyncio.Task[None] | None = None

    async def verdict_of(
        self, wait: Wait, interval: float, *, backoff: Backoff | None = None, log: WaitLog | None = None
    ) -> Found | Over:
        """Wait until it is there, or cannot come any more.

        :param interval: Seconds between two looks.
        :param backoff: Makes them longer.
        :param log: Is told what looks come to.
        """
        entry = Entry(
            wait, max(interval, SHORTEST_INTERVAL), 0.0, self._loop.create_future(), backoff, log or WaitLog()
        )
        entry.due = self._gathered(entry)
        self._add(entry)
        try:
            return await entry.done
        finally:
            await self._remove(entry)

    @property
    def count(self) -> int:
        """How many wait."""
        return len(self._entries)

    def _gathered(self, entry: Entry) -> float:
        """Return when a wait is due one interval from now, or a little later, with others."""
        interval = entry.interval
        if entry.backoff is not None:
            interval = max(entry.backoff.seconds(interval, time.time()), SHORTEST_INTERVAL)
        return self._point(min(interval * GATHERING, LONGEST_GATHERING), self._loop.time() + interval)

    def _point(self, interval: float, not_before: float) -> float:
        """Return when the rounds of an interval come round."""
        return self._phase + math.ceil((not_before - self._phase) / interval) * interval

    def _add(self, entry: Entry) -> None:
        self._entries[entry] = None
        if entry.due < self._next:
            self._earlier.set()
        if self._task is None or self._task.done():
            # In a context of its own: lines that are not about one wait are not for the log of whoever came first.
            self._task = asyncio.create_task(self._run(), name="taskcluster-waits", context=Context())

    async def _remove(self, entry: Entry) -> None:
        """Forget a wait; with the last one the work ends, in the middle of a round too."""
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
                await self._round([entry for entry in self._entries if entry.due <= now])
        except Exception as error:  # noqa: BLE001 (told to those who wait)
            log.error("The looks at %d waits broke down: %s", len(self._entries), crash(error))
            for entry in self._entries:  # those who wait shall not wait for ever
                if not entry.done.done():
                    entry.done.set_exception(error)

    async def _until_due(self) -> None:
        while True:
            self._earlier.clear()
            due = min((entry.due for entry in self._entries), default=math.inf)
            self._next = max(due, self._resting_until)
            left = self._next - self._loop.time()
            if left <= 0:
                self._next = 0.0  # nothing that is added during a round is earlier than it
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._earlier.wait(), left)

    async def _round(self, entries: list[Entry]) -> None:
        """Look at these waits together, and set when each is due again."""
        missed: dict[Entry, TaskclusterError] = {}
        trouble: TaskclusterError | None
        try:
            asker = Asker(await self._access.client())
            missed = await self._look(entries, asker)
            trouble = asker.trouble or next(filter(_is_refusal, missed.values()), None)
        except TaskclusterError as error:  # there is no client to ask with
            trouble = error
            if error.transient:
                missed = dict.fromkeys(entries, error)
            else:
                for entry in entries:
                    _end(entry, Over(error))
        except Exception as error:  # noqa: BLE001 (what nobody thought of ends this round, not the waits)
            trouble = WaitFailed(f"A round of looks broke down: {crash(error)}")
            missed = dict.fromkeys(entries, trouble)
        await self._rest(trouble, missed)
        now = self._loop.time()
        for entry in entries:
            entry.due = self._gathered(entry) if entry.backoff else self._point(entry.interval, now)
        for entry in missed if trouble else ():
            entry.due = min(entry.due, self._resting_until)

    async def _look(self, entries: list[Entry], asker: Asker) -> dict[Entry, TaskclusterError]:
        """Look at waits, and end those whose verdict is there; return those for which it came to nothing, and why."""

        async def ask(questions: set[Question]) -> dict[Question, Any]:
            answers = await asker.ask(questions)
            if refused := [question for question, answer in answers.items() if _is_refusal(answer)]:
                answers |= await self._asked_anew(refused, asker)
            self._bear_refusals(answers.values())
            return answers

        def talk_of(entry: Entry) -> Talk:
            return Talk(entry.wait, asker.client.root_url, entry.memory)

        missed: dict[Entry, TaskclusterError] = {}
        async for entry, verdict in look_at_all(entries, talk_of, ask):
            if isinstance(verdict, NotYet):
                entry.memory = verdict.memory
                if verdict.error:
                    missed[entry] = verdict.error
                else:
                    entry.log.looked(verdict.why)
            else:
                _end(entry, verdict)
        return missed

    async def _asked_anew(self, questions: list[Question], asker: Asker) -> dict[Question, Any]:
        """Ask what was refused (401) once more, if the connection has other credentials by now."""
        try:
            if not await self._access.renewed(asker.client):
                return {}
            asker.client = await self._access.client()
        except TaskclusterError as error:  # of a secrets backend, or somebody is changing the connection just now
            log.warning("The connection cannot be read anew: %s", visible(error))
            return {}
        return await asker.ask(questions)

    def _bear_refusals(self, answers: Collection[Any]) -> None:
        """Take a 401 for one that may pass, for as long as a secrets backend may give out what was replaced."""
        refusals = list(filter(_is_refusal, answers))
        if not refusals and any(not isinstance(answer, TaskclusterError) for answer in answers):
            self._patience.accepted()
        if refusals and self._patience.lasts(self._loop.time()):
            for error in refusals:
                error.transient = True

    async def _rest(self, trouble: TaskclusterError | None, missed: Mapping[Entry, TaskclusterError]) -> None:
        """Leave services alone that cannot answer, for longer each time, and for as long as they ask."""
        seconds = None
        if trouble is None or not trouble.transient:
            self._failures = 0
            for error in islice(missed.values(), 1):
                log.warning("%d looks came to nothing, one of them by this: %s", len(missed), visible(error))
        else:
            self._failures += 1
            seconds = RetryPolicy().wait_seconds(self._failures, trouble)
            self._resting_until = self._loop.time() + seconds
            count = len(missed)
            log.warning("%d waits could not be looked at, next try in %.1f s: %s", count, seconds, visible(trouble))
        async for entry, error in breathing(missed.items()):
            entry.log.missed(str(error), seconds)
        if seconds is not None:  # the others wait for the service, too
            async for entry in breathing([entry for entry in self._entries if entry not in missed]):
                entry.log.missed(str(trouble), seconds)


def _is_refusal(answer: Any) -> bool:
    return isinstance(answer, AuthenticationFailed)


def _end(entry: Entry, verdict: Found | Over) -> None:
    """Give a wait its verdict, unless nobody wants it any more."""
    if not entry.done.done():
        entry.done.set_result(verdict)

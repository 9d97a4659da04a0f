"""The retry policy: which errors are retried, for how long, and with which waits in between.

The budget is a time: a failing request is retried until a number of seconds have passed since its first failure, so
that an outage of that length is survived however fast the requests fail. A maximum of retries can end it earlier.

Two loops use the policy: a call of a JSON API (``services``), and the transfer of one body or range (``transfer``).
They never multiply, even if a transfer makes such a call to renew its grant: an error that one loop has given up on
ends the other. The third loop is Airflow's own task retry.

A grant that a store refuses (401, 403, ExpiredToken) has expired. It is renewed, which does not count as a retry.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_taskcluster.common.framing import header_date, header_number
from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.common.tracebacks import without_traceback
from airflow_provider_taskcluster.exceptions import (
    DestinationError,
    Interrupted,
    SourceError,
    StoreError,
    TaskclusterError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")
log = logging.getLogger(__name__)

RETRIABLE_STATUSES = frozenset({408, 425, 429, *range(500, 600)})
# The next step in the message of a transient error.
TRY_AGAIN = "it may pass: let the task try again"
# Seconds of a ``Retry-After`` that are honoured, at most: a wait occupies a worker slot.
LONGEST_RETRY_AFTER = 300.0
# Bytes of progress in one try that restore the full budget.
ENOUGH_PROGRESS = 64 * 1024
# The clock of budgets, in seconds.
clock = time.monotonic


@dataclass(frozen=True)
class RetryPolicy:
    """How long a request is retried, and the waits between tries.

    :param max_retries: Tries after the first one, at most. The default exceeds those that fit into ``retry_seconds``.
    :param retry_seconds: Seconds of tries, from the first failure on; the last one begins when they are over. A try
        that transfers 64 KiB restores both budgets.
    :param first_wait: Seconds before the second try, doubled for each further one. The actual wait is drawn from the
        upper half (jitter), so that many clients do not come back at once.
    :param longest_wait: Upper bound of the doubling, in seconds.
    """

    max_retries: int = 100
    retry_seconds: float = 60.0
    first_wait: float = 0.5
    longest_wait: float = 30.0

    def wait_seconds(self, tries: int, error: BaseException | None) -> float:
        """Return the seconds to wait after a number of failed tries; at least those in ``Retry-After``."""
        doublings = min(tries - 1, 60)  # beyond that a float overflows before it is capped
        backoff = min(self.longest_wait, self.first_wait * 2.0**doublings)
        jitter = random.uniform(0.5, 1)  # noqa: S311 (not a secret)
        return max(backoff * jitter, _requested_wait(error))

    def retrying(
        self,
        *,
        progress: Callable[[], int] = lambda: 0,
        sleep: Callable[[float], None] | None = None,
        failed: Callable[[], None] = lambda: None,
    ) -> Retrying:
        """Return a loop for functions; all calls of one loop share its budget.

        :param progress: Returns the number of bytes transferred so far; enough progress in one try restores the budget.
        :param sleep: Waits a number of seconds; ``time.sleep`` by default.
        :param failed: Called after each try that failed.
        """
        return Retrying(_Budget(self, progress, failed), sleep or time.sleep)

    def async_retrying(self, sleep: Callable[[float], Awaitable[None]] | None = None) -> AsyncRetrying:
        """Return a loop for coroutines; all calls of one loop share its budget.

        :param sleep: Waits a number of seconds; ``asyncio.sleep`` by default.
        """
        return AsyncRetrying(_Budget(self), sleep or asyncio.sleep)


@dataclass(frozen=True)
class Retrying:
    """Repeats a function while its errors are transient and the budget lasts.

    A loop of our own: tenacity's took 13 % of the time of a JSON call, and the policy was ours all the same.
    """

    budget: _Budget
    sleep: Callable[[float], None]

    def __call__(self, work: Callable[..., T], *arguments: Any) -> T:
        """Return the function's result, or raise its last error."""
        number = 0
        while True:
            number += 1
            try:
                return work(*arguments)
            except TaskclusterError as error:
                wait = self.budget.wait_after(error, number)
            self.sleep(wait)


@dataclass(frozen=True)
class AsyncRetrying:
    """Repeats a coroutine function as ``Retrying`` does a function."""

    budget: _Budget
    sleep: Callable[[float], Awaitable[None]]

    async def __call__(self, work: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Return the coroutine's result, or raise its last error."""
        number = 0
        while True:
            number += 1
            try:
                return await work(*arguments)
            except TaskclusterError as error:
                wait = self.budget.wait_after(error, number)
            await self.sleep(wait)


class _Budget:
    """Counts the failed tries and the seconds left since the first one; progress restores the budget."""

    def __init__(
        self,
        policy: RetryPolicy,
        progress: Callable[[], int] = lambda: 0,
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        self._policy = policy
        self._progress = progress
        self._failed = failed
        self._mark = progress()
        self._renewed = False
        self._tries = 0
        self._end = self._left = 0.0

    def wait_after(self, error: TaskclusterError, number: int) -> float:
        """Count a failed try; return the seconds to wait before the next one.

        :param number: Number of the try, for the log.
        :raises TaskclusterError: The error itself, without its traceback: it is not worth another try, or the budget is
            used up, and the error marked as given up on.
        """
        if not worth_repeating(error):
            raise without_traceback(error) from None
        self._count(error)
        if self._tries > self._policy.max_retries or not self._left:
            error.given_up = True
            raise without_traceback(error) from None
        # At most until the end of the budget, unless the server asked for more.
        wait = min(self._policy.wait_seconds(self._tries, error), max(self._left, _requested_wait(error)))
        log.warning("Try %d failed, next one in %.1f s: %s", number, wait, visible(error))
        return wait

    def _count(self, error: TaskclusterError) -> None:
        """Count a failed try; the first one whose grant was refused is not counted."""
        self._failed()
        arrived = self._progress()
        if arrived - self._mark >= ENOUGH_PROGRESS:
            self._tries, self._renewed = 0, False
        self._mark = arrived
        if _grant_refused(error) and not self._renewed:
            self._renewed = True
        else:
            self._tries += 1
        if self._tries <= 1:
            self._end = clock() + self._policy.retry_seconds
        self._left = max(0.0, self._end - clock())


def worth_repeating(error: BaseException) -> bool:
    """Tell whether the same request may succeed if it is sent again.

    Errors of the destination and of the source are transient only for the task: another request does not make room on a
    disk. After ``Interrupted``, the task wants no other request.
    """
    for_the_task = isinstance(error, DestinationError | SourceError | Interrupted)
    return isinstance(error, TaskclusterError) and error.transient and not (for_the_task or error.given_up)


def retry_after(value: str | None) -> float | None:
    """Return the seconds in a ``Retry-After`` header, a number or a date (RFC 9110, 10.2.3); None for anything else."""
    if not value:
        return None
    seconds = header_number(value)
    if seconds is not None:
        return float(seconds)
    moment = header_date(value)
    return None if moment is None else max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _grant_refused(error: BaseException | None) -> bool:
    """Tell whether a store refused the grant, so that the request is worth repeating with another one only."""
    return isinstance(error, StoreError) and error.refuses_grant


def _requested_wait(error: BaseException | None) -> float:
    """Return the seconds that the server asked to wait, as far as they are honoured."""
    return min(getattr(error, "retry_after", None) or 0.0, LONGEST_RETRY_AFTER)

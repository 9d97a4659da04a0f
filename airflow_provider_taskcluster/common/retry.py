"""The one policy for trying again: what is worth it, for how long, and how long to wait in between.

Time counts: what fails is tried again until so many seconds have passed since it first failed, so that a service may be
away that long, however fast it refuses. A number of retries can be set besides, which ends it earlier.

Two loops use it: a call of a JSON API (``services``), and the transfer of one body, or one range of it (``transfer``).
They never multiply, also where a transfer makes such a call to renew its grant: an error that one loop has given up on
ends the other. The third loop is Airflow's own task retry.

A grant that a store refuses (401, 403, ExpiredToken) is renewed without counting as a retry: its URL ran out, nothing
failed.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

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

    from tenacity import AsyncRetrying, RetryCallState, Retrying

log = logging.getLogger(__name__)

RETRIABLE_STATUSES = frozenset({408, 425, 429, *range(500, 600)})
# The next step, said at the end of an error that a later try may not meet.
TRY_AGAIN = "it may pass: let the task try again"
# A server may ask for more patience than a worker slot is worth.
LONGEST_RETRY_AFTER = 300.0
# Bytes that make a try worth another full budget.
ENOUGH_PROGRESS = 64 * 1024
# Seconds that go on, by which budgets are counted.
clock = time.monotonic


@dataclass(frozen=True)
class RetryPolicy:
    """How long a request is repeated and how long to wait before each try.

    :param max_retries: Tries after the first one, at most. The default is more than fit into the seconds.
    :param retry_seconds: From the first failure on, so many seconds of tries; the last one begins when they are over.
        After a try that brought 64 KiB, both begin anew.
    :param first_wait: Seconds before the second try, doubled for each further one. The wait actually taken is
        drawn from the upper half of that, so that many clients do not come back at once.
    :param longest_wait: Where the doubling ends, in seconds.
    """

    max_retries: int = 100
    retry_seconds: float = 60.0
    first_wait: float = 0.5
    longest_wait: float = 30.0

    def wait_seconds(self, tries: int, error: BaseException | None) -> float:
        """Seconds to wait after so many failed tries; never less than the server asked for (``Retry-After``)."""
        doublings = min(tries - 1, 60)  # beyond that a float overflows before it is capped
        backoff = min(self.longest_wait, self.first_wait * 2.0**doublings)
        jitter = random.uniform(0.5, 1)  # noqa: S311 (not a secret)
        return max(backoff * jitter, _asked(error))

    def retrying(
        self,
        *,
        progress: Callable[[], int] = lambda: 0,
        sleep: Callable[[float], None] | None = None,
        failed: Callable[[], None] = lambda: None,
    ) -> Retrying:
        """Return tenacity's loop for functions.

        :param progress: Tells how many bytes have arrived; a try that brought some restores the budget.
        :param sleep: Waits so many seconds; ``time.sleep`` by default.
        :param failed: Called after each try that failed.
        """
        loop = _loop_of_functions()
        return loop(sleep=sleep or time.sleep, **self._tenacity(_Budget(self, progress, failed)))

    def async_retrying(self, sleep: Callable[[float], Awaitable[None]] | None = None) -> AsyncRetrying:
        """Return tenacity's loop for coroutines.

        :param sleep: Waits so many seconds; ``asyncio.sleep`` by default.
        """
        loop = _loop_of_coroutines()
        return loop(sleep=sleep or asyncio.sleep, **self._tenacity(_Budget(self)))

    def _tenacity(self, budget: _Budget) -> dict[str, Any]:
        from tenacity import retry_if_exception

        return {
            "retry": retry_if_exception(worth_repeating),
            "after": budget.count,
            "stop": budget.used_up,
            "wait": budget.wait,
            "before_sleep": _log_retry,
            "reraise": True,
        }


@functools.cache
def _loop_of_functions() -> type[Retrying]:
    """Return tenacity's loop without its own frames in the traceback of the last error."""
    from tenacity import Retrying

    class Short(Retrying):
        def __call__(self, *arguments: Any, **options: Any) -> Any:
            try:
                return super().__call__(*arguments, **options)
            except TaskclusterError as error:
                raise without_traceback(error) from None

    return Short


@functools.cache
def _loop_of_coroutines() -> type[AsyncRetrying]:
    """Return the same for coroutines."""
    from tenacity import AsyncRetrying

    class Short(AsyncRetrying):
        async def __call__(self, *arguments: Any, **options: Any) -> Any:  # type: ignore[override]  # as tenacity's
            try:
                return await super().__call__(*arguments, **options)
            except TaskclusterError as error:
                raise without_traceback(error) from None

    return Short


class _Budget:
    """Counts tries that failed, and the seconds left since the first of them, from the last one that brought bytes."""

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

    def count(self, state: RetryCallState) -> None:
        """Count a try that failed; not the first one whose grant was refused."""
        self._failed()
        arrived = self._progress()
        if arrived - self._mark >= ENOUGH_PROGRESS:
            self._tries, self._renewed = 0, False
        self._mark = arrived
        if _grant_refused(_error(state)) and not self._renewed:
            self._renewed = True
        else:
            self._tries += 1
        if self._tries <= 1:
            self._end = clock() + self._policy.retry_seconds
        self._left = max(0.0, self._end - clock())

    def wait(self, state: RetryCallState) -> float:
        """Return the seconds to wait: not beyond the end of the budget, unless the server asked for more."""
        error = _error(state)
        return min(self._policy.wait_seconds(self._tries, error), max(self._left, _asked(error)))

    def used_up(self, state: RetryCallState) -> bool:
        """Tell whether that was the last one, and the error of it."""
        over = self._tries > self._policy.max_retries or not self._left
        if over and isinstance(error := _error(state), TaskclusterError):
            error.given_up = True
        return over


def worth_repeating(error: BaseException) -> bool:
    """Tell whether the same request may succeed when sent again at once.

    A destination that cannot be written is transient for the task, not for the request: fetching the bytes
    again does not make room for them. A source that cannot be read is the same. Neither does a task that was told to
    stop want another request.
    """
    for_the_task = isinstance(error, DestinationError | SourceError | Interrupted)
    return isinstance(error, TaskclusterError) and error.transient and not (for_the_task or error.given_up)


def retry_after(value: str | None) -> float | None:
    """Seconds that a ``Retry-After`` header asks for: a number or a date (RFC 9110, 10.2.3). None for anything else."""
    if not value:
        return None
    seconds = header_number(value)
    if seconds is not None:
        return float(seconds)
    moment = header_date(value)
    return None if moment is None else max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _grant_refused(error: BaseException | None) -> bool:
    """Tell whether a store wants another grant: such an answer is repeated for no other reason."""
    return isinstance(error, StoreError) and error.refuses_grant


def _asked(error: BaseException | None) -> float:
    """Seconds that a server asked to wait, as far as that is honoured."""
    return min(getattr(error, "retry_after", None) or 0.0, LONGEST_RETRY_AFTER)


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _log_retry(state: RetryCallState) -> None:
    wait = state.next_action.sleep if state.next_action else 0.0
    log.warning("Try %d failed, next one in %.1f s: %s", state.attempt_number, wait, visible(_error(state)))

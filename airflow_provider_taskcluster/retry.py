"""The one policy for trying again: what is worth it, how often, and how long to wait in between.

Two loops use it, one inside the other never: a call of a JSON API (``services``), and the transfer of one body
(``transfer``). The third loop is Airflow's own task retry.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import DestinationError, TaskclusterError

if TYPE_CHECKING:
    from tenacity import AsyncRetrying, RetryCallState, Retrying

log = logging.getLogger(__name__)

RETRIABLE_STATUSES = frozenset({408, 425, 429, *range(500, 600)})
# A server may ask for more patience than a worker slot is worth.
LONGEST_RETRY_AFTER = 300.0


@dataclass(frozen=True)
class RetryPolicy:
    """How often a request is repeated and how long to wait before each try.

    :param max_retries: Tries after the first one.
    :param first_wait: Seconds before the second try, doubled for each further one. The wait actually taken is
        drawn from the upper half of that, so that many clients do not come back at once.
    :param longest_wait: Where the doubling ends, in seconds.
    """

    max_retries: int = 5
    first_wait: float = 0.5
    longest_wait: float = 30.0

    def wait_seconds(self, tries: int, error: BaseException | None) -> float:
        """Seconds to wait after so many failed tries; never less than the server asked for (``Retry-After``)."""
        doublings = min(tries - 1, 60)  # beyond that a float overflows before it is capped
        backoff = min(self.longest_wait, self.first_wait * 2.0**doublings)
        asked = getattr(error, "retry_after", None) or 0.0
        jitter = random.uniform(0.5, 1)  # noqa: S311 (not a secret)
        return max(backoff * jitter, min(asked, LONGEST_RETRY_AFTER))

    def retrying(self) -> Retrying:
        """Return tenacity's loop for functions."""
        from tenacity import Retrying

        return Retrying(**self._tenacity())

    def async_retrying(self) -> AsyncRetrying:
        """Return tenacity's loop for coroutines."""
        from tenacity import AsyncRetrying

        return AsyncRetrying(**self._tenacity())

    def _tenacity(self) -> dict[str, Any]:
        from tenacity import retry_if_exception, stop_after_attempt

        return {
            "retry": retry_if_exception(worth_repeating),
            "stop": stop_after_attempt(self.max_retries + 1),
            "wait": lambda state: self.wait_seconds(state.attempt_number, _error(state)),
            "before_sleep": _log_retry,
            "reraise": True,
        }


def worth_repeating(error: BaseException) -> bool:
    """Tell whether the same request may succeed when sent again at once.

    A destination that cannot be written is transient for the task, not for the request: fetching the bytes
    again does not make room for them.
    """
    return isinstance(error, TaskclusterError) and error.transient and not isinstance(error, DestinationError)


def retry_after(value: str | None) -> float | None:
    """Seconds that a ``Retry-After`` header asks for: a number or a date (RFC 9110, 10.2.3)."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    if date.tzinfo is None:  # the header said "-0000"
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _log_retry(state: RetryCallState) -> None:
    wait = state.next_action.sleep if state.next_action else 0.0
    log.warning("Try %d failed, next one in %.1f s: %s", state.attempt_number, wait, _error(state))

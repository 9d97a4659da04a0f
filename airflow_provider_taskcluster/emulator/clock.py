"""The one place for time: a clock that tests can set forward, and instants as the APIs write them."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Clock:
    """Milliseconds since 1970, as the services compare them, and an offset that tests move.

    Everything that expires (URLs, certificates, bewits, uploads, purge requests, claims) asks this clock.
    Only the time stamp inside a Hawk header is compared with the machine's own clock, because the client that
    signed it knows no other; so calls go on working while the clock is set forward.
    """

    def __init__(self) -> None:
        self._offset = 0

    def now(self) -> int:
        """Milliseconds since 1970."""
        return int(time.time() * SECOND) + self._offset

    def advance(self, **delta: float) -> None:
        """Set the clock forward for good: ``clock.advance(minutes=46)``, words as of a timedelta."""
        self._offset += int(timedelta(**delta) / timedelta(milliseconds=1))

    @contextmanager
    def advanced(self, **delta: float) -> Iterator[None]:
        """Set the clock forward within a ``with`` block, and back after it."""
        before = self._offset
        self.advance(**delta)
        try:
            yield
        finally:
            self._offset = before


def to_json(instant: int) -> str:
    """Milliseconds since 1970 as the services write them: ``2026-01-31T12:00:00.000Z``."""
    return (EPOCH + timedelta(milliseconds=instant)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def from_json(text: str) -> int:
    """Milliseconds since 1970 of an ISO 8601 instant with a zone; finer fractions are cut off.

    Raises ValueError for what is not an instant.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return (moment - EPOCH) // timedelta(milliseconds=1)

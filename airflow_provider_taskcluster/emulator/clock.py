"""Clock of the emulator, which tests can set forward, and timestamps as the APIs write them."""

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
    """Clock in milliseconds since 1970, with an offset that tests can change.

    Everything that expires (URLs, certificates, bewits, uploads, purge requests, claims) asks this clock.
    Only the timestamp inside a Hawk header is compared with the machine's own clock, because the client that
    signed it uses that one; calls therefore keep working while this clock is set forward.
    """

    def __init__(self) -> None:
        self._offset = 0

    def now(self) -> int:
        """Return the milliseconds since 1970."""
        return int(time.time() * SECOND) + self._offset

    def advance(self, **delta: float) -> None:
        """Set the clock forward for good; arguments as for ``timedelta``: ``clock.advance(minutes=46)``."""
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
    """Write milliseconds since 1970 as the services do: ``2026-01-31T12:00:00.000Z``."""
    return (EPOCH + timedelta(milliseconds=instant)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def from_json(text: str) -> int:
    """Read an ISO 8601 timestamp with a time zone as milliseconds since 1970; finer fractions are cut off.

    Raises ValueError if the text is no such timestamp.
    """
    timestamp = datetime.fromisoformat(text)
    if timestamp.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return (timestamp - EPOCH) // timedelta(milliseconds=1)

"""Counts the bytes and seconds of reads that a caller makes at its own pace."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass
class Tally:
    """Counts bytes and seconds of reading.

    :param size: Bytes so far.
    :param seconds: Time spent reading; time between reads does not count.
    """

    size: int = 0
    seconds: float = 0.0

    def timed(self, read: Callable[[], T]) -> T:
        """Call ``read``, count its time, and return its result."""
        started = time.monotonic()
        try:
            return read()
        finally:
            self.seconds += time.monotonic() - started

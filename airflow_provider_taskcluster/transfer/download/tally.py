"""How much was read of what a reader takes at its own pace, and how long that took."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass
class Tally:
    """Counts what is read.

    :param size: Bytes so far.
    :param seconds: Of reading; what the reader does in between does not count.
    """

    size: int = 0
    seconds: float = 0.0

    def timed(self, read: Callable[[], T]) -> T:
        """Return what is read, and count the time that it takes."""
        started = time.monotonic()
        try:
            return read()
        finally:
            self.seconds += time.monotonic() - started

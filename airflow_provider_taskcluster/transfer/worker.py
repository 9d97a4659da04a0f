"""A thread that is waited for to its end, also by who was interrupted while waiting."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Worker(threading.Thread):
    """Does one thing in a thread. Wait for it by ``ended.wait()``, not by ``join()``.

    Before Python 3.13 a ``join()`` that a signal interrupts (a time-out of the task) takes the thread for one that has
    ended, and the next ``join()`` returns at once (bpo-45274): it would still write when its file is closed.
    """

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        super().__init__(name=name, daemon=True)
        self.ended = threading.Event()
        self._do = work

    def run(self) -> None:
        """Do it."""
        try:
            self._do()
        finally:
            self.ended.set()

"""Threads that are waited for to their end, even by who was interrupted while waiting."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Seconds that threads together get to notice that they are to end.
GRACE = 5.0


class Worker(threading.Thread):
    """Does one thing in a thread. Wait for it by ``ended.wait()``, not by ``join()``.

    Before Python 3.13 a ``join()`` that a signal interrupts (a time-out of the task) takes the thread for one that has
    ended, and the next ``join()`` returns at once (bpo-45274): it would still write when its file is closed.
    """

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        super().__init__(name=name, daemon=True)
        self.ended = threading.Event()
        self.ended.set()  # who has not begun is not waited for
        self._do = work

    def start(self) -> None:
        """Begin.

        :raises RuntimeError: The system has no thread left.
        """
        self.ended.clear()
        try:
            super().start()
        except RuntimeError:
            self.ended.set()
            raise

    def run(self) -> None:
        """Do it."""
        try:
            self._do()
        finally:
            self.ended.set()


def run_all(workers: Iterable[Worker], give_up: Callable[[BaseException], None]) -> None:
    """Start them, and return when all have ended.

    :param give_up: Tells them to end, because of an error in the thread of the caller: the task is interrupted, or one
        of them cannot start. It rises when they have ended; who does not hear keeps it up for ``GRACE`` seconds.
    """
    workers = list(workers)
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.ended.wait()
    except BaseException as error:
        give_up(error)
        until = time.monotonic() + GRACE
        for worker in workers:
            worker.ended.wait(max(0.0, until - time.monotonic()))
        raise

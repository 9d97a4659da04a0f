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
    """Does one thing in a thread. Wait for it by ``wait()``, not by ``join()``.

    Before Python 3.13 a ``join()`` that a signal interrupts (a time-out of the task) takes the thread for one that has
    ended, and the next ``join()`` returns at once (bpo-45274): it would still write when its file is closed.
    """

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        super().__init__(name=name, daemon=True)
        self._do = work
        self._busy = False  # who has not begun is not waited for
        self._begun = False
        self._given_up = False
        self._working = threading.Lock()

    def start(self) -> None:
        """Begin. If a signal interrupts this, the work is done from its beginning or not at all.

        :raises RuntimeError: The system has no thread left.
        """
        try:
            self._working.acquire()
            self._busy = True
            super().start()
        except BaseException:
            self._given_up = True
            raise

    def run(self) -> None:
        """Do it."""
        self._begun = True
        try:
            if not self._given_up:  # a thread that begins only now does nothing, and nobody waits for it
                self._do()
        finally:
            self._busy = False
            self._working.release()

    def wait(self, seconds: float = -1) -> None:
        """Return when it has ended, or after so many seconds.

        By a plain lock: a signal that comes while a ``threading.Event`` is asked can leave that locked for ever.
        """
        expected = self._begun or not self._given_up
        if self._busy and expected and self._working.acquire(timeout=seconds):
            self._working.release()  # if a signal comes before, nobody asks any more: it is not busy


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
            worker.wait()
    except BaseException as error:
        give_up(error)
        until = time.monotonic() + GRACE
        for worker in workers:
            worker.wait(max(0.0, until - time.monotonic()))
        raise

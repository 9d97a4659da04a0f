"""Threads that are waited for until they end, even when a signal interrupts the wait."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Seconds that all threads together are given to end.
GRACE = 5.0


class Worker(threading.Thread):
    """A thread that runs one function. Wait for it with ``wait()``, not with ``join()``.

    Before Python 3.13, a ``join()`` interrupted by a signal (such as the time-out of a task) marks the thread as ended,
    and the next ``join()`` returns at once (bpo-45274). The thread could then write to a file that is closed already.
    """

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        super().__init__(name=name, daemon=True)
        self._do = work
        self._busy = False  # a thread that was not started is not waited for
        self._begun = False
        self._given_up = False
        self._working = threading.Lock()

    def start(self) -> None:
        """Start the thread. If a signal interrupts this, the work is done completely or not at all.

        :raises RuntimeError: The system cannot start another thread.
        """
        try:
            self._working.acquire()
            self._busy = True
            super().start()
        except BaseException:
            self._given_up = True
            raise

    def run(self) -> None:
        """Run the function, unless starting the thread failed."""
        self._begun = True
        try:
            if not self._given_up:  # ``wait`` does not wait for a thread that begins only now
                self._do()
        finally:
            self._busy = False
            self._working.release()

    def wait(self, seconds: float = -1) -> None:
        """Return when the thread has ended, or after ``seconds``; -1 for no limit.

        It uses a plain lock: a signal inside ``threading.Event.wait`` can leave that event locked for ever.
        """
        expected = self._begun or not self._given_up
        if self._busy and expected and self._working.acquire(timeout=seconds):
            self._working.release()  # a signal before this line does no harm: it is not busy any more


def run_all(workers: Iterable[Worker], give_up: Callable[[BaseException], None]) -> None:
    """Start all workers, and return when all have ended.

    :param give_up: Called with an error in the caller's thread (an interruption, or a worker that cannot start); tells
        the workers to end. The error is raised when they have ended, or after ``GRACE`` seconds.
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

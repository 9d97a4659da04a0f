"""The loop thread: one event loop for all synchronous code of the process.

It starts on first use. A forked child starts its own, since threads do not survive a fork.
"""

from __future__ import annotations

import asyncio
import os
import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from airflow_provider_taskcluster.common.tracebacks import without_traceback
from airflow_provider_taskcluster.exceptions import TaskclusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

# Seconds between two checks whether the caller is to be interrupted.
CHECK_SECONDS = 0.2
T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


class LoopCall(Generic[T]):
    """A coroutine that runs in the event loop of another thread.

    Its end is signalled by a ``SimpleQueue``: a ``concurrent.futures.Future`` can stay locked for ever when a signal
    handler raises while its result is awaited.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks: list[asyncio.Task[T]] = []
        self._ended: SimpleQueue[asyncio.Task[T]] = SimpleQueue()
        loop.call_soon_threadsafe(self._begin, coroutine)

    def result(self, timeout: float | None = None) -> T:
        """Wait for the result, and return it.

        :param timeout: Seconds; None for no limit.
        :raises TimeoutError: The time is up.
        """
        try:
            return self._result(self._ended.get(timeout=timeout))
        except Empty:
            raise TimeoutError from None

    def checked_result(self, check: Callable[[], None]) -> T:
        """Wait for the result, and return it.

        :param check: Called every 0.2 s; an error that it raises ends the wait.
        """
        while True:
            try:
                return self._result(self._ended.get(timeout=CHECK_SECONDS))
            except Empty:
                check()

    @staticmethod
    def _result(task: asyncio.Task[T]) -> T:
        try:
            return task.result()
        except TaskclusterError as error:
            raise without_traceback(error) from None

    def cancel(self) -> None:
        """Request cancellation; does not wait for the end."""
        self._loop.call_soon_threadsafe(self._cancel)

    def _begin(self, coroutine: Coroutine[Any, Any, T]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.append(task)
        task.add_done_callback(self._ended.put)

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()


def run(coroutine: Coroutine[Any, Any, T], check: Callable[[], None] | None = None) -> T:
    """Run a coroutine in the loop thread and return its result; cancel it if the caller is interrupted.

    :param check: Called every 0.2 s meanwhile; an error that it raises interrupts the caller.
    """
    call = LoopCall(coroutine, running_loop())
    try:
        return call.result() if check is None else call.checked_result(check)
    except BaseException:
        call.cancel()
        raise


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the event loop of the loop thread, started on first use.

    :raises RuntimeError: No thread can be started.
    """
    global _loop  # noqa: PLW0603 (one loop thread a process, by design)
    with _lock:
        if _loop is None:
            loop = asyncio.new_event_loop()
            try:
                threading.Thread(target=_serve, args=[loop], name="taskcluster-services", daemon=True).start()
            except RuntimeError:
                loop.close()
                raise
            except BaseException:  # raised by a signal handler; the thread may already run
                loop.call_soon_threadsafe(loop.stop)
                raise
            _loop = loop
        return _loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


def _forget() -> None:
    global _loop, _lock  # noqa: PLW0603 (as above)
    _loop = None
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_forget)

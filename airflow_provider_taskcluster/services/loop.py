"""One event loop in a thread, for code that is not async itself.

It starts on first use. A forked child starts one of its own: threads do not survive a fork.
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
    from collections.abc import Coroutine

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


class LoopCall(Generic[T]):
    """A coroutine in a loop of another thread.

    It is waited for by a ``SimpleQueue``: a signal that comes while a ``concurrent.futures.Future`` is asked can leave
    that locked, and the loop would wait for it for ever.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks: list[asyncio.Task[T]] = []
        self._ended: SimpleQueue[asyncio.Task[T]] = SimpleQueue()
        loop.call_soon_threadsafe(self._begin, coroutine)

    def result(self, timeout: float | None = None) -> T:
        """Wait for the result, and return it.

        :raises TimeoutError: It has not ended after so many seconds.
        """
        try:
            task = self._ended.get(timeout=timeout)
        except Empty:
            raise TimeoutError from None
        try:
            return task.result()
        except TaskclusterError as error:
            raise without_traceback(error) from None

    def cancel(self) -> None:
        """Have it end soon."""
        self._loop.call_soon_threadsafe(self._cancel)

    def _begin(self, coroutine: Coroutine[Any, Any, T]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.append(task)
        task.add_done_callback(self._ended.put)

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in the loop thread and wait for its result; cancel it when the wait is interrupted."""
    call = LoopCall(coroutine, running_loop())
    try:
        return call.result()
    except BaseException:
        call.cancel()
        raise


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the loop, started if need be.

    :raises RuntimeError: The system has no thread left.
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
            except BaseException:  # a signal, and the thread may run already
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

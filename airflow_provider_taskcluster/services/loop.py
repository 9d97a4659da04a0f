"""One event loop in a thread, for code that is not async itself.

It starts on first use. A forked child starts one of its own: threads do not survive a fork.
"""

from __future__ import annotations

import asyncio
import os
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in the loop thread and wait for its result; cancel it when the wait is interrupted.

    By a ``SimpleQueue``: a signal that comes while a ``concurrent.futures.Future`` is asked can leave that locked, and
    the loop would wait for it for ever.
    """
    loop = running_loop()
    begun: list[asyncio.Task[T]] = []
    ended: SimpleQueue[asyncio.Task[T]] = SimpleQueue()

    def begin() -> None:
        begun.append(loop.create_task(coroutine))
        begun[0].add_done_callback(ended.put)

    def cancel() -> None:
        for task in begun:
            task.cancel()

    try:
        loop.call_soon_threadsafe(begin)
        task = ended.get()
    except BaseException:
        loop.call_soon_threadsafe(cancel)
        raise
    return task.result()


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

"""One event loop in a thread, for code that is not async itself.

It starts on first use. A forked child starts one of its own: threads do not survive a fork.
"""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in the loop thread and wait for its result; cancel it when the wait is interrupted."""
    future = asyncio.run_coroutine_threadsafe(coroutine, running_loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the loop, started if need be."""
    global _loop  # noqa: PLW0603 (one loop thread a process, by design)
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="taskcluster-services", daemon=True).start()
        return _loop


def _forget() -> None:
    global _loop, _lock  # noqa: PLW0603 (as above)
    _loop = None
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_forget)

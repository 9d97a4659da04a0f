"""Runs a coroutine to its end in the calling thread, without an event loop: its client has a transport that blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine and return its result. It also works in a thread whose event loop is running, which it blocks.

    :raises RuntimeError: The coroutine waits for something that only an event loop can bring.
    """
    try:
        while coroutine.send(None) is None:  # it lets others run, as asyncio.sleep(0) does, and there are none
            pass
        raise RuntimeError("The coroutine needs an event loop: await it there")
    except StopIteration as ended:
        result: T = ended.value
        return result
    finally:
        coroutine.close()

"""Loops over thousands of waits that let other tasks of the event loop run in between."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

# Seconds of work after which the event loop is given to other tasks.
TIME_SLICE = 0.005

T = TypeVar("T")


async def yielding_to_loop(items: Iterable[T]) -> AsyncIterator[T]:
    """Yield the items, and let other tasks of the event loop run in between."""
    begun = time.monotonic()
    for item in items:
        yield item
        if time.monotonic() - begun > TIME_SLICE:
            await asyncio.sleep(0)
            begun = time.monotonic()

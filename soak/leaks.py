"""Leaks made on purpose after each round, to see that they are found; larger than what a short run still warms up."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE, COUNT = 64 << 20, 20
_held: list[bytes] = []


def _memory() -> None:
    _held.append(os.urandom(SIZE))


def _files() -> None:
    for _ in range(COUNT):
        os.dup(1)


def _threads() -> None:
    for _ in range(COUNT):
        threading.Thread(target=threading.Event().wait, daemon=True).start()


LEAKS: dict[str, Callable[[], None]] = {"memory": _memory, "files": _files, "threads": _threads}

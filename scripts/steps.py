"""Steps that take a while: a progress bar on a terminal, a line for each elsewhere.

It runs before anything is installed, too: then the bar is that of the rich which pip brings.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WIDTH = 40
DONE = 1000  # of a step, in the units of its bar


def on_terminal() -> bool:
    """Tell whether a bar can be drawn: not on a pipe, and not where lines cannot be written over."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


@contextmanager
def step(what: str, progress: Callable[[], tuple[str, float]] | None = None) -> Iterator[None]:
    """Say what is done until the block ends, and how long it took.

    :param progress: Tells what is going on in the step, and how much of it is done, from 0 to 1.
    """
    started = time.monotonic()
    rich = _rich() if on_terminal() else None
    if rich is None:
        print(f"  {what:<{WIDTH}}", end="", flush=True)
        yield
        print(f"{time.monotonic() - started:6.1f} s", flush=True)
        return
    with _bar(rich, what, progress):
        yield
    print(f"  {what:<{WIDTH}}{time.monotonic() - started:6.1f} s", flush=True)


@contextmanager
def _bar(rich: Any, what: str, progress: Callable[[], tuple[str, float]] | None) -> Iterator[None]:
    """Draw a bar, which goes to and fro as long as nobody knows how much is done."""

    class Now(rich.TextColumn):  # type: ignore[misc]  # of either rich
        def render(self, task: Any) -> Any:
            if progress is not None:
                said, done = progress()
                task.total, task.completed, task.description = (DONE if done else None), done * DONE, said or what
            return super().render(task)

    columns = (Now("  {task.description}", markup=False), rich.BarColumn(), rich.TimeElapsedColumn())
    with rich.Progress(*columns, transient=True) as shown:
        shown.add_task(what, total=None)
        yield


def _rich() -> Any:
    for name in ("rich.progress", "pip._vendor.rich.progress"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None

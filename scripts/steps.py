"""Progress of long steps: a bar on a terminal, else one line for each step.

Before anything is installed, the bar is drawn by the copy of rich in pip.
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
DONE = 1000  # length of a bar


def keeping_bytecode() -> dict[str, str]:
    """Return the environment without its ban on compiled modules: each new interpreter would compile them again."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def on_terminal() -> bool:
    """Whether a bar can be drawn: standard output is a terminal that can overwrite lines."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


@contextmanager
def step(title: str, progress: Callable[[], tuple[str, float]] | None = None) -> Iterator[None]:
    """Show the title of a step during the block, and its duration afterwards.

    :param progress: Returns what is being done in the step, and the fraction done, from 0 to 1.
    """
    started = time.monotonic()
    rich = _rich() if on_terminal() else None
    if rich is None:
        print(f"  {title:<{WIDTH}}", end="", flush=True)
        yield
        print(f"{time.monotonic() - started:6.1f} s", flush=True)
        return
    with _bar(rich, title, progress):
        yield
    print(f"  {title:<{WIDTH}}{time.monotonic() - started:6.1f} s", flush=True)


@contextmanager
def _bar(rich: Any, title: str, progress: Callable[[], tuple[str, float]] | None) -> Iterator[None]:
    """Draw a bar, which pulses while the fraction done is unknown."""

    class Status(rich.TextColumn):  # type: ignore[misc, no-any-unimported]  # of either copy of rich
        def render(self, task: Any) -> Any:
            if progress is not None:
                text, done = progress()
                task.total, task.completed, task.description = (DONE if done else None), done * DONE, text or title
            return super().render(task)

    columns = (Status("  {task.description}", markup=False), rich.BarColumn(), rich.TimeElapsedColumn())
    with rich.Progress(*columns, transient=True) as shown:
        shown.add_task(title, total=None)
        yield


def _rich() -> Any:
    for name in ("rich.progress", "pip._vendor.rich.progress"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None

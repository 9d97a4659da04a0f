"""Where the cases run, and the amounts that they move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .world import Run

if TYPE_CHECKING:
    from pathlib import Path

    from .sources import Sources

# Runs a contender once, checks its work, and returns the run with the figure of the case.
Measure = Callable[[str], Run]


@dataclass(frozen=True)
class Plan:
    """Amounts to move. ``objects`` and ``calls`` are the counts of the cases with many small objects and calls."""

    size: int
    objects: int
    calls: int


@dataclass(frozen=True)
class Workspace:
    """A folder on the disk that is measured, with source files on the same disk."""

    folder: Path
    sources: Sources
    plan: Plan

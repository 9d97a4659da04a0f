"""Growth of a process, by a line through its samples after the warm-up, and its bounds. Pure."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .samples import Sample

MIB = 1 << 20
# Share of the run in which caches, pools and lazy imports fill up.
WARM_UP = 0.2
# Fewer samples say nothing about growth.
FEWEST_SAMPLES = 10


@dataclass(frozen=True)
class Bound:
    """Most growth of a measure from the end of the warm-up to the end of the run, whatever its length.

    :param unit: Size of the unit in which the figures are shown.
    """

    measure: str
    most: float
    unit: int = 1
    label: str = ""

    def show(self, figure: float) -> str:
        """Return a figure with its unit."""
        return f"{figure / self.unit:.1f} {self.label}".rstrip()


BOUNDS = (
    Bound("memory", 16 * MIB, MIB, "MiB"),
    Bound("files", 3),
    Bound("threads", 3),
)


@dataclass(frozen=True)
class Growth:
    """Growth of one measure.

    :param grown: Slope of the line of least squares, times the time that it covers.
    """

    bound: Bound
    median: float
    grown: float

    @property
    def is_flat(self) -> bool:
        """Whether the measure stayed within its bound."""
        return self.grown <= self.bound.most

    def __str__(self) -> str:
        show = self.bound.show
        return (
            f"{self.bound.measure}: median {show(self.median)}, grown by {show(self.grown)} "
            f"(bound: {show(self.bound.most)}){'' if self.is_flat else ': LEAKED'}"
        )


def warm(samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples after the warm-up.

    :raises ValueError: There are too few of them.
    """
    begun = samples[-1].seconds * WARM_UP if samples else 0.0
    kept = [sample for sample in samples if sample.seconds >= begun]
    if len(kept) < FEWEST_SAMPLES:
        raise ValueError(f"{len(kept)} samples after the warm-up are too few: run longer, or sample more often")
    return kept


def growths(samples: Sequence[Sample]) -> list[Growth]:
    """Return the growth of each measure after the warm-up."""
    kept = warm(samples)
    seconds = [sample.seconds for sample in kept]
    found = []
    for bound in BOUNDS:
        figures = [getattr(sample, bound.measure) for sample in kept]
        slope = statistics.linear_regression(seconds, figures).slope
        found.append(Growth(bound, statistics.median(figures), slope * (seconds[-1] - seconds[0])))
    return found

"""Plot of the samples: each measure as a share of its median after the warm-up, so that all fit one axis. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.plot import Axis, Series, svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .growth import Growth
    from .samples import Sample

# Points of a line; each is the largest of its samples, so that no peak is lost.
POINTS = 120
TICKS = 6
PERCENT = range(0, 176, 25)


def draw(samples: Sequence[Sample], growths: Sequence[Growth]) -> str:
    """Return the plot as SVG."""
    size = -(-len(samples) // POINTS)
    groups = [samples[start : start + size] for start in range(0, len(samples), size)]
    series = [
        Series(
            f"{growth.bound.measure} ({growth.bound.show(growth.median)})",
            [(group[-1].seconds / 60, _share(group, growth)) for group in groups],
        )
        for growth in growths
    ]
    last = samples[-1].seconds / 60
    minutes = {last * tick / TICKS: f"{last * tick / TICKS:.0f} min" for tick in range(TICKS + 1)}
    top = max(PERCENT[-1] / 100, *(share for line in series for _, share in line.points))
    shares = {percent / 100: f"{percent} %" for percent in PERCENT}
    return svg(series, Axis(0, last, minutes), Axis(0, top, shares))


def _share(group: Sequence[Sample], growth: Growth) -> float:
    largest: float = max(getattr(sample, growth.bound.measure) for sample in group)
    return largest / growth.median

"""SVG plot of lines over two axes. Pure."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 130, 170, 20, 50
COLOURS = ("#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#084594")
PEER_COLOURS = ("#d95f0e", "#756bb1", "#31a354")


@dataclass(frozen=True)
class Series:
    """One line of the plot: its label and its points; those of peers have colours of their own."""

    label: str
    points: Sequence[tuple[float, float]]
    of_peer: bool = False


@dataclass(frozen=True)
class Axis:
    """An axis from ``low`` to ``high``, with texts at some values."""

    low: float
    high: float
    marks: Mapping[float, str]
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """Return where a value is: 0 at the lower end, 1 at the upper one."""
        low, high, value = (math.log(each) if self.logarithmic else each for each in (self.low, self.high, value))
        return (value - low) / (high - low)


def svg(series: Sequence[Series], x: Axis, y: Axis) -> str:
    """Return the plot as the text of an SVG file."""

    def across(value: float) -> float:
        return round(LEFT + x.share(value) * (WIDTH - RIGHT - LEFT), 1)

    def up(value: float) -> float:
        return round(HEIGHT - BOTTOM + y.share(value) * (TOP - HEIGHT + BOTTOM), 1)

    drawn = [
        (line.label, [(across(a), up(b)) for a, b in line.points], colour)
        for line, colour in zip(series, _colours(series), strict=True)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">',
            "<style>text { font: 12px sans-serif }</style>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            *(_mark_of_x(across(value), text) for value, text in x.marks.items()),
            *(_mark_of_y(up(value), text) for value, text in y.marks.items()),
            *(element for _, points, colour in drawn for element in _line(points, colour)),
            *(element for number, (label, _, colour) in enumerate(drawn) for element in _key(number, label, colour)),
            "</svg>",
            "",
        ]
    )


def logarithmic(series: Sequence[Series], amount: Callable[[Any], str], value: str) -> str:
    """Return a plot with logarithmic axes: amounts to the right, values up, with a mark at each power of ten.

    :param amount: Returns the text of an amount.
    :param value: Format of the text of a value.
    """
    amounts = sorted({amount for line in series for amount, _ in line.points})
    values = [value for line in series for _, value in line.points]
    decades = range(math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)) + 1e-9) + 1)
    marks = {10.0**power: value.format(10.0**power) for power in decades}
    x = Axis(amounts[0], max(amounts[-1], amounts[0] * 2), {each: amount(each) for each in amounts}, logarithmic=True)
    return svg(series, x, Axis(min(marks), max(marks), marks, logarithmic=True))


def _colours(series: Sequence[Series]) -> list[str]:
    own, of_peers = itertools.cycle(COLOURS), itertools.cycle(PEER_COLOURS)
    return [next(of_peers if line.of_peer else own) for line in series]


def _mark_of_x(x: float, text: str) -> str:
    bottom = HEIGHT - BOTTOM
    return (
        f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{bottom}" stroke="#eee"/>'
        f'<text x="{x}" y="{bottom + 20}" text-anchor="middle">{text}</text>'
    )


def _mark_of_y(y: float, text: str) -> str:
    return (
        f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="#ddd"/>'
        f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{text}</text>'
    )


def _line(points: Sequence[tuple[float, float]], colour: str) -> list[str]:
    path = " ".join(f"{across},{up}" for across, up in points)
    dots = [f'<circle cx="{across}" cy="{up}" r="2.5" fill="{colour}"/>' for across, up in points]
    return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>', *dots]


def _key(number: int, label: str, colour: str) -> list[str]:
    across, up = WIDTH - RIGHT + 15, TOP + 15 + 20 * number
    return [
        f'<line x1="{across}" y1="{up}" x2="{across + 20}" y2="{up}" stroke="{colour}" stroke-width="3"/>',
        f'<text x="{across + 26}" y="{up + 4}">{label}</text>',
    ]

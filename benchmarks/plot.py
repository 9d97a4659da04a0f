"""SVG plot with two logarithmic axes: size to the right, seconds up."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .sources import show_size

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 170, 20, 50
COLOURS = ("#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#084594")
PEER_COLOUR = "#d95f0e"


@dataclass(frozen=True)
class Series:
    """One line of the plot: its label and its points (bytes, seconds)."""

    label: str
    points: list[tuple[int, float]]


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis, which maps values to coordinates."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the coordinate of a value."""
        share = (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return round(self.start + share * (self.end - self.start), 1)


def svg(series: list[Series]) -> str:
    """Return the plot; the last line is that of the peer."""
    sizes = sorted({size for line in series for size, _ in line.points})
    seconds = [value for line in series for _, value in line.points]
    decades = range(math.floor(math.log10(min(seconds))), math.ceil(math.log10(max(seconds)) + 1e-9) + 1)
    x = Axis(sizes[0], max(sizes[-1], sizes[0] * 2), LEFT, WIDTH - RIGHT)
    y = Axis(10.0 ** decades[0], 10.0 ** decades[-1], HEIGHT - BOTTOM, TOP)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">',
            "<style>text { font: 12px sans-serif }</style>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            *(_size_mark(x.at(size), show_size(size)) for size in sizes),
            *(_time_mark(y.at(10.0**power), f"{10.0**power:g} s") for power in decades),
            *(element for number, line in enumerate(series) for element in _line(line, _colour(number, series), x, y)),
            *(element for number, line in enumerate(series) for element in _key(number, line, _colour(number, series))),
            "</svg>",
            "",
        ]
    )


def _colour(number: int, series: list[Series]) -> str:
    return PEER_COLOUR if number == len(series) - 1 else COLOURS[number % len(COLOURS)]


def _size_mark(x: float, text: str) -> str:
    bottom = HEIGHT - BOTTOM
    return (
        f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{bottom}" stroke="#eee"/>'
        f'<text x="{x}" y="{bottom + 20}" text-anchor="middle">{text}</text>'
    )


def _time_mark(y: float, text: str) -> str:
    return (
        f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="#ddd"/>'
        f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{text}</text>'
    )


def _line(line: Series, colour: str, x: Axis, y: Axis) -> list[str]:
    coordinates = [(x.at(size), y.at(seconds)) for size, seconds in line.points]
    path = " ".join(f"{across},{up}" for across, up in coordinates)
    dots = [f'<circle cx="{across}" cy="{up}" r="2.5" fill="{colour}"/>' for across, up in coordinates]
    return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>', *dots]


def _key(number: int, line: Series, colour: str) -> list[str]:
    across, up = WIDTH - RIGHT + 15, TOP + 15 + 20 * number
    return [
        f'<line x1="{across}" y1="{up}" x2="{across + 20}" y2="{up}" stroke="{colour}" stroke-width="3"/>',
        f'<text x="{across + 26}" y="{up + 4}">{line.label}</text>',
    ]

"""Draws an acyclic graph as SVG, in rows: callers above their callees."""

from __future__ import annotations

import graphlib
from html import escape
from itertools import pairwise
from statistics import fmean

Graph = dict[str, set[str]]  # caller -> callees
Slot = tuple[str, int]  # name of a node or an edge, and row
Point = tuple[float, float]

BOX_WIDTH, BOX_HEIGHT = 116, 34
COLUMN, ROW = 136, 84
STYLE = 'style="max-width: 100%; height: auto; font: 14px var(--font-stack--monospace, monospace)"'
BOX_STYLE = 'style="fill: var(--color-background-secondary, none); stroke: currentColor"'
MARKER = (
    '<marker id="arrowhead" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    '<path d="M0 0L8 4L0 8z" fill="currentColor"/></marker>'
)


def depths(graph: Graph) -> dict[str, int]:
    """Return the row of each node: one below its lowest caller, 0 without callers, the last one without edges."""
    rows = dict.fromkeys(graph, 0)
    for name in reversed(list(graphlib.TopologicalSorter(graph).static_order())):
        for callee in graph[name]:
            rows[callee] = max(rows[callee], rows[name] + 1)
    connected = set().union(*graph.values()) | {name for name, callees in graph.items() if callees}
    return {name: row if name in connected else max(rows.values()) for name, row in rows.items()}


def paths(graph: Graph, rows: dict[str, int]) -> list[list[Slot]]:
    """Return each edge as its slots, one in each row it passes, so that no arrow crosses a box."""
    edges = []
    for name, callees in graph.items():
        for callee in sorted(callees):
            between = [(f"{name} {callee}", row) for row in range(rows[name] + 1, rows[callee])]
            edges.append([(name, rows[name]), *between, (callee, rows[callee])])
    return edges


def centres_of(rows: dict[str, int], edges: list[list[Slot]]) -> tuple[int, dict[Slot, Point]]:
    """Return the width, and the centre of each slot; a row is ordered by the mean position of the callers above."""
    slots = {*rows.items(), *(slot for edge in edges for slot in edge)}
    by_row = [sorted(slot for slot in slots if slot[1] == row) for row in range(max(rows.values()) + 1)]
    width = max(len(row) for row in by_row) * COLUMN
    centres: dict[Slot, Point] = {}
    for number, row in enumerate(by_row):
        means = {}
        for slot in row:
            callers = [centres[above][0] for edge in edges for above, below in pairwise(edge) if below == slot]
            means[slot] = fmean(callers or [width / 2])
        for index, slot in enumerate(sorted(row, key=means.__getitem__)):
            centres[slot] = (width * (index + 0.5) / len(row), number * ROW + BOX_HEIGHT)
    return width, centres


def svg(graph: Graph) -> str:
    """Return the drawing in the colours of the page, which may be light or dark."""
    rows = depths(graph)
    edges = paths(graph, rows)
    width, centres = centres_of(rows, edges)
    height = max(rows.values()) * ROW + 2 * BOX_HEIGHT
    label = "; ".join(f"{name} imports {', '.join(sorted(callees))}" for name, callees in graph.items() if callees)
    return "\n".join(
        [
            f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {width} {height}" width="{width}" {STYLE}>',
            MARKER,
            *(arrow([centres[slot] for slot in edge]) for edge in edges),
            *(box(name, centres[name, row]) for name, row in rows.items()),
            "</svg>",
        ]
    )


def arrow(points: list[Point]) -> str:
    """Return an arrow from the lower edge of the first box to the upper edge of the last."""
    (x, y), *middle, (last_x, last_y) = points
    route = [(x, y + BOX_HEIGHT / 2), *middle, (last_x, last_y - BOX_HEIGHT / 2)]
    curves = "".join(
        f"C{x:g} {(y + below) / 2:g} {to:g} {(y + below) / 2:g} {to:g} {below:g}"
        for (x, y), (to, below) in pairwise(route)
    )
    start = f"M{x:g} {y + BOX_HEIGHT / 2:g}"
    return f'<path d="{start}{curves}" fill="none" stroke="currentColor" marker-end="url(#arrowhead)"/>'


def box(name: str, centre: Point) -> str:
    """Return a box with its name."""
    x, y = centre
    return (
        f'<rect x="{x - BOX_WIDTH / 2:g}" y="{y - BOX_HEIGHT / 2:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="5" '
        f'{BOX_STYLE}/><text x="{x:g}" y="{y + 5:g}" text-anchor="middle" fill="currentColor">{escape(name)}</text>'
    )

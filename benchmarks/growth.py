"""Measures how the cost of a download grows with its size and the number of connections."""

from __future__ import annotations

import json
import math
import statistics
import sys
from typing import TYPE_CHECKING, Any

from . import world
from .checks import check_size
from .plot import Axis, Series, svg
from .runner import Progress
from .sources import show_size

if TYPE_CHECKING:
    from pathlib import Path

    from .workspace import Workspace
    from .world import World

SIZES = (1 << 10, 1 << 15, 1 << 20, 1 << 24, 1 << 27, 1 << 30, 1 << 32)
CONNECTIONS = (1, 2, 4, 8, 16)
OURS = "ours.download_object"


def measure(workspace: Workspace, repeat: int) -> list[Series]:
    """Return the median seconds of each contender at each size; the peer comes last."""
    sizes = [size for size in SIZES if size <= workspace.plan.size]
    with world.near(workspace.folder) as near:
        contenders = _contenders(near)
        progress = Progress(len(sizes) * len(contenders) * repeat)
        points: dict[str, list[tuple[int, float]]] = {label: [] for label in contenders}
        for size in sizes:
            near.put_object(f"benchmarks/{size}", workspace.sources.of(size))
            rounds = [
                {label: _once(near, size, label, arguments, progress) for label, arguments in contenders.items()}
                for _ in range(repeat)
            ]
            for label in contenders:
                points[label].append((size, statistics.median(seconds[label] for seconds in rounds)))
    return [Series(label, of_label) for label, of_label in points.items()]


def _contenders(near: World) -> dict[str, dict[str, Any]]:
    """Return the contenders to plot with their options, by label."""
    peer = {"taskcluster client": {"contender": "peer.download_object"}}
    if near.contend("ours.takes_connections").bytes:
        ours = {
            f"{count} connection{'s' if count > 1 else ''}": {"contender": OURS, "connections": count}
            for count in CONNECTIONS
        }
        return {**ours, **peer}
    sys.stderr.write("The number of connections cannot be set in this version: one line for all of them.\n")
    return {"ours": {"contender": OURS}, **peer}


def _once(near: World, size: int, label: str, arguments: dict[str, Any], progress: Progress) -> float:
    progress.begin(f"{label}, {show_size(size)}")
    with near.destination() as folder:
        run = near.contend(name=f"benchmarks/{size}", destination=str(folder / "file"), **arguments)
        check_size(folder / "file", size)
    progress.end(f"{run.seconds:.3f} s")
    return run.seconds


def save(folder: Path, series: list[Series]) -> None:
    """Write the figures and the plot."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "growth.json").write_text(json.dumps({line.label: line.points for line in series}, indent=2) + "\n")
    (folder / "growth.svg").write_text(draw(series))


def draw(series: list[Series]) -> str:
    """Return the plot: bytes to the right, seconds up, both logarithmic; the peer is the last line."""
    sizes = sorted({int(size) for line in series for size, _ in line.points})
    seconds = [value for line in series for _, value in line.points]
    decades = range(math.floor(math.log10(min(seconds))), math.ceil(math.log10(max(seconds)) + 1e-9) + 1)
    size_marks = {float(size): show_size(size) for size in sizes}
    second_marks = {10.0**power: f"{10.0**power:g} s" for power in decades}
    return svg(
        series,
        Axis(sizes[0], max(sizes[-1], sizes[0] * 2), size_marks, logarithmic=True),
        Axis(10.0 ** decades[0], 10.0 ** decades[-1], second_marks, logarithmic=True),
    )

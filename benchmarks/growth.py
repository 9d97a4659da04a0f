"""How the cost of a download grows with size and with the number of connections."""

from __future__ import annotations

import json
import statistics
import sys
from typing import TYPE_CHECKING

from . import world
from .cases import check_size
from .plot import Series, svg

if TYPE_CHECKING:
    from pathlib import Path

    from .cases import Ground
    from .runner import Progress

SIZES = (1 << 10, 1 << 15, 1 << 20, 1 << 24, 1 << 27, 1 << 30, 1 << 32)
CONNECTIONS = (1, 2, 4, 8, 16)
OURS, PEER = "ours.download_object", "peer.download_object"


def contenders() -> dict[str, tuple[str, dict[str, int]]]:
    """Line of the plot -> contender and its options."""
    from .contenders.ours import takes_connections

    peer: dict[str, tuple[str, dict[str, int]]] = {"taskcluster client": (PEER, {})}
    if takes_connections():
        return {**{f"{count} connections": (OURS, {"connections": count}) for count in CONNECTIONS}, **peer}
    sys.stderr.write("The number of connections cannot be set in this version: one line for all of them.\n")
    return {"ours": (OURS, {}), **peer}


def sizes(largest: int) -> list[int]:
    """The sizes up to the largest one."""
    return [size for size in SIZES if size <= largest]


def measure(ground: Ground, repeat: int, progress: Progress) -> list[Series]:
    """Median seconds of each contender at each size."""
    lines = contenders()
    found: dict[str, list[tuple[int, float]]] = {label: [] for label in lines}
    with world.near(ground.folder) as near:
        for size in sizes(ground.plan.size):
            name = f"benchmarks/{size}"
            near.put_object(name, ground.sources.of(size))
            seconds: dict[str, list[float]] = {label: [] for label in lines}
            for _ in range(repeat):
                for label, (contender, options) in lines.items():
                    progress.begin(f"{label}, {size} bytes")
                    with near.destination() as folder:
                        run = near.contend(contender, name=name, destination=str(folder / "file"), **options)
                        check_size(folder / "file", size)
                    seconds[label].append(run.seconds)
                    progress.end(f"{run.seconds:.3f} s")
            for label, figures in seconds.items():
                found[label].append((size, statistics.median(figures)))
    return [Series(label, points) for label, points in found.items()]


def save(folder: Path, series: list[Series]) -> Path:
    """Write the figures and the plot; the plot's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "growth.json").write_text(json.dumps({line.label: line.points for line in series}, indent=2) + "\n")
    plot = folder / "growth.svg"
    plot.write_text(svg(series))
    return plot

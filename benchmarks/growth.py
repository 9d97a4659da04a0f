"""Measures how the cost of downloads grows: with the size of one file, the number of files, and of connections."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from . import world
from .checks import check_size
from .fits import Lines, Point, fits
from .plot import Series, logarithmic
from .programs import is_missing
from .runner import ENOUGH, Progress
from .sources import KIB, MIB, show_size

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .workspace import Workspace
    from .world import Run

SIZES = (1 << 10, 1 << 15, 1 << 20, 1 << 24, 1 << 27, 1 << 30, 1 << 32)
CONNECTIONS = (1, 2, 4, 8, 16)
PEERS = {"Python client": "peer", "Rust client": "rust"}
# Times ``Plan.objects``: the most files of each contender, and of ours; by default 1,000 and 20,000.
FILES_OF_ALL, FILES_OF_OURS = 5, 100
SMALL = KIB
GIB = 1 << 30


def sizes(workspace: Workspace, repeat: int) -> Lines:
    """Download an object of each size."""
    amounts = [size for size in SIZES if size <= workspace.plan.size]
    with world.near(workspace.folder) as near:
        for size in amounts:
            near.put_object(f"benchmarks/{size}", workspace.sources.of(size))

        def once(size: int, options: dict[str, Any]) -> Run:
            with near.destination() as folder:
                run = near.contend(name=f"benchmarks/{size}", destination=str(folder / "file"), **options)
                check_size(folder / "file", size)
            return run

        contenders = _contenders("download_object")
        return _lines(contenders, dict.fromkeys(contenders, amounts), once, repeat, show_size)


def files(workspace: Workspace, repeat: int) -> Lines:
    """Download each number of small files into a folder."""
    most = workspace.plan.objects * FILES_OF_ALL
    amounts = [number for number in (1, 10, 100, 1000, 5000, 20000) if number <= workspace.plan.objects * FILES_OF_OURS]
    source = workspace.sources.of(SMALL)
    with world.near(workspace.folder) as near:
        tasks = {number: near.put_artifacts(source, number) for number in amounts}

        def once(number: int, options: dict[str, Any]) -> Run:
            with near.destination() as folder:
                run = near.contend(task_id=tasks[number], destination=str(folder), **options)
            if run.bytes != number * SMALL:
                raise world.ContenderFailed(f"{number} files were to arrive, and {run.bytes} bytes did")
            return run

        contenders = _contenders("download_payload")
        all_of_them = _label(8)
        wanted = {label: [n for n in amounts if n <= most or label == all_of_them] for label in contenders}
        return _lines(contenders, wanted, once, repeat, _show_files)


def _contenders(verb: str) -> dict[str, dict[str, Any]]:
    """Return the contenders to plot with their options, by label."""
    ours = {_label(count): {"contender": f"ours.{verb}", "connections": count} for count in CONNECTIONS}
    peers = {label: f"{module}.{verb}" for label, module in PEERS.items()}
    return {**ours, **{label: {"contender": name} for label, name in peers.items() if not is_missing(name)}}


def _label(count: int) -> str:
    return f"{count} connection{'s' if count > 1 else ''}"


def _show_files(number: int) -> str:
    return "1 file" if number == 1 else f"{number:,} files"


def _lines(
    contenders: dict[str, dict[str, Any]],
    wanted: dict[str, list[int]],
    once: Callable[[int, dict[str, Any]], Run],
    repeat: int,
    show: Callable[[int], str],
) -> Lines:
    """Measure each contender at its amounts: ``repeat`` times, or until it has worked for ``ENOUGH`` seconds."""
    progress = Progress(repeat * sum(map(len, wanted.values())))
    runs: dict[tuple[str, int], list[Run]] = {}
    for _ in range(repeat):
        for label, options in contenders.items():
            for amount in wanted[label]:
                done = runs.setdefault((label, amount), [])
                if sum(run.seconds for run in done) >= ENOUGH:
                    progress.skip()
                    continue
                progress.begin(f"{label}, {show(amount)}")
                done.append(once(amount, options))
                progress.end(f"{done[-1].seconds:.3f} s")
    return {label: [_point(amount, runs[label, amount]) for amount in wanted[label]] for label in contenders}


def _point(amount: int, runs: list[Run]) -> Point:
    return Point(
        amount,
        statistics.median(run.seconds for run in runs),
        statistics.median(run.cpu for run in runs),
        statistics.median(run.memory for run in runs) / MIB,
    )


def save(folder: Path, by_size: Lines, by_files: Lines) -> None:
    """Write the figures with their fits, and the plots."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = {
        part: {label: [asdict(point) for point in points] for label, points in of_part.items()}
        for part, of_part in (("sizes", by_size), ("files", by_files))
    }
    content = {**lines, "fits": fits(by_size, by_files)}
    (folder / "growth.json").write_text(json.dumps(content, indent=2) + "\n")
    for name, plot in plots(by_size, by_files).items():
        (folder / name).write_text(plot)


def plots(by_size: Lines, by_files: Lines) -> dict[str, str]:
    """Return the plots by the names of their files."""
    large = {label: [point for point in points if point.amount >= MIB] for label, points in by_size.items()}
    return {
        "growth.svg": logarithmic(_series(by_size, lambda point: point.seconds), show_size, "{:g} s"),
        "growth-cpu.svg": logarithmic(
            _series(large, lambda point: point.cpu / point.amount * GIB), show_size, "{:g} CPU s a GiB"
        ),
        "growth-files.svg": logarithmic(
            _series(by_files, lambda point: point.amount / point.seconds), _show_files, "{:g} a second"
        ),
    }


def _series(lines: Lines, value: Callable[[Point], float]) -> list[Series]:
    """Return lines to plot, without those that have no point."""
    return [
        Series(label, [(point.amount, value(point)) for point in points], of_peer=label in PEERS)
        for label, points in lines.items()
        if points
    ]

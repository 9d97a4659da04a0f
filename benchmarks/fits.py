"""Measured points, and sentences that say how cost grows, each with its linear fit."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from .sources import show_size

GIB = 1 << 30
# The line that stands for this provider: the default number of connections.
OURS = "8 connections"


@dataclass(frozen=True)
class Point:
    """Medians of the runs of one contender at one amount: bytes, or files."""

    amount: int
    seconds: float
    cpu: float
    memory: float


# The points of each contender, by its label.
Lines = dict[str, list[Point]]


def fits(by_size: Lines, by_files: Lines) -> list[str]:
    """Return a sentence each about seconds, CPU seconds and memory by size, and about files and connections."""
    large, many = by_size[OURS], by_files[OURS]
    time = _fit([(point.amount / GIB, point.seconds) for point in large], "GiB")
    cpu = _fit([(point.amount / GIB, point.cpu) for point in large], "GiB")
    files = _fit([(point.amount / 1000, point.seconds) for point in many], "1,000 files")
    return [
        f"Time by size: {time}.",
        f"Processor time by size: {cpu}.",
        _memory(large),
        f"Time by number of small files, from {many[0].amount:,} to {many[-1].amount:,}: {files}.",
        _connections(by_files),
    ]


def _fit(points: list[tuple[float, float]], unit: str) -> str:
    """Return the line through points by least squares, and how much of the variance it explains."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    slope, start = statistics.linear_regression(xs, ys)
    explained = statistics.correlation(xs, ys) ** 2
    return f"{round(start, 2):g} s, and {round(slope, 2):g} s per {unit} (a linear fit, R² {explained:.3f})"


def _memory(points: list[Point]) -> str:
    grown = [point for point in points if point.amount >= points[-1].amount // 32]
    first, last = grown[0], grown[-1]
    return (
        f"Memory by size: {first.memory:.0f} MiB for {show_size(first.amount)}, {last.memory:.0f} MiB for "
        f"{show_size(last.amount)}."
    )


def _connections(by_files: Lines) -> str:
    """Return the throughput by connections, at the largest number of files that all lines have."""
    amount = min(points[-1].amount for points in by_files.values())
    found = {label: next(point for point in points if point.amount == amount) for label, points in by_files.items()}
    rates = ", ".join(f"{label} {amount / point.seconds:.0f}" for label, point in found.items())
    return f"Small files a second, {amount:,} of them: {rates}."

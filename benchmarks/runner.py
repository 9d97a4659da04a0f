"""Lets the contenders of a case take turns, and makes one line of their figures."""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from .world import ContenderFailed

if TYPE_CHECKING:
    from .cases import Case, Ground


@dataclass
class Line:
    """The outcome of one case. Figures are medians; ``spread`` is (largest - smallest) / median, the wider one.

    ``ratio`` is the peer's figure by ours: above 1, ours is better. ``peer`` is None where there is none, or
    where it did not come to an end; ``note`` says so.
    """

    ours: float | None
    peer: float | None
    ratio: float | None
    spread: float | None
    unit: str
    bar: str
    reached: bool
    note: str = ""
    runs: dict[str, list[float]] = field(default_factory=dict)
    tmpfs: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


class Progress:
    """Says on standard error what is being done, how far it is and how long it may still take."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._started = time.monotonic()

    def begin(self, what: str) -> None:
        """A piece of work begins."""
        left = ""
        if self._done:
            seconds = (time.monotonic() - self._started) / self._done * (self._total - self._done)
            left = f", about {seconds / 60:.0f} min left"
        sys.stderr.write(f"[{self._done + 1:>3}/{self._total}{left}] {what:<48}")
        sys.stderr.flush()

    def end(self, said: str) -> None:
        """It has ended."""
        self._done += 1
        sys.stderr.write(f"{said}\n")


def run(case: Case, ground: Ground, repeat: int, progress: Progress) -> Line:
    """Run a case: ``repeat`` rounds, in which the contenders take turns, every other time the other way round."""
    runs: dict[str, list[float]] = {contender: [] for contender in case.contenders}
    failed: dict[str, str] = {}
    with case.ground(ground) as measure:
        for number in range(repeat):
            for contender in case.contenders[:: -1 if number % 2 else 1]:
                progress.begin(f"{case.key}: {contender}")
                try:
                    runs[contender].append(measure(contender))
                    progress.end(f"{runs[contender][-1]:.3f} {case.unit}")
                except ContenderFailed as error:
                    failed[contender] = str(error)
                    progress.end(f"FAILED\n{error}")
    return line(case, runs, failed)


def line(case: Case, runs: dict[str, list[float]], failed: dict[str, str]) -> Line:
    """The figures of a case in one line. Who failed once has no figure."""
    medians = {name: statistics.median(found) for name, found in runs.items() if name not in failed}
    ours = medians.get(case.ours)
    peers = [medians[name] for name in case.peers if name in medians]
    peer = max(peers) if len(peers) == len(case.peers) and peers else None
    ratio = peer / ours if peer and ours else None
    return Line(
        ours=ours,
        peer=peer,
        ratio=ratio,
        spread=max((_spread(runs[name]) for name in medians), default=None),
        unit=case.unit,
        bar=str(case.bar),
        reached=ours is not None and case.bar.reached(ours, ratio),
        note=", ".join(f"{name} failed" for name in failed),
        runs=runs,
    )


def _spread(figures: list[float]) -> float:
    median = statistics.median(figures)
    return (max(figures) - min(figures)) / abs(median) if median else 0.0

"""Runs the contenders of a case in turns, and computes its result."""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from .world import ContenderFailed

if TYPE_CHECKING:
    from .cases import Case
    from .workspace import Workspace


@dataclass
class CaseResult:
    """Result of one case. Figures are medians; ``spread`` is the largest (maximum - minimum) / median.

    ``ratio`` is the peer's figure divided by ours: above 1, ours is better. ``peer`` is None if there is none, or if
    it failed, which ``note`` says.
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
        """Return the result for JSON."""
        return asdict(self)


class Progress:
    """Prints each run with the number of runs and the estimated time left, on standard error."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._started = time.monotonic()

    def begin(self, title: str) -> None:
        """Print the beginning of a run."""
        left = ""
        if self._done:
            seconds = (time.monotonic() - self._started) / self._done * (self._total - self._done)
            left = f", about {seconds / 60:.0f} min left"
        sys.stderr.write(f"[{self._done + 1:>3}/{self._total}{left}] {title:<48}")
        sys.stderr.flush()

    def end(self, result: str) -> None:
        """Print the result of the run."""
        self._done += 1
        sys.stderr.write(f"{result}\n")


def run(case: Case, workspace: Workspace, repeat: int, progress: Progress) -> CaseResult:
    """Run a case: ``repeat`` rounds, in which the contenders take turns, every other round in reverse order."""
    runs: dict[str, list[float]] = {contender: [] for contender in case.contenders}
    failed: dict[str, str] = {}
    with case.setup(workspace) as measure:
        for number in range(repeat):
            for contender in case.contenders[:: -1 if number % 2 else 1]:
                progress.begin(f"{case.key}: {contender}")
                try:
                    runs[contender].append(measure(contender))
                    progress.end(f"{runs[contender][-1]:.3f} {case.unit}")
                except ContenderFailed as error:
                    failed[contender] = str(error)
                    progress.end(f"FAILED\n{error}")
    return summarize(case, runs, failed)


def summarize(case: Case, runs: dict[str, list[float]], failed: dict[str, str]) -> CaseResult:
    """Compute the result of a case. A contender that failed once has no figure."""
    medians = {name: statistics.median(figures) for name, figures in runs.items() if name not in failed}
    ours = medians.get(case.ours)
    peers = [medians[name] for name in case.peers if name in medians]
    peer = max(peers) if len(peers) == len(case.peers) and peers else None
    ratio = peer / ours if peer and ours else None
    return CaseResult(
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

"""Runs the contenders of a case in turns, and computes its result."""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .sources import MIB
from .world import ContenderFailed

if TYPE_CHECKING:
    from .cases import Case
    from .workspace import Workspace
    from .world import Run


# Seconds of work after which a contender takes no further turn in a case.
ENOUGH = 10


@dataclass(frozen=True)
class Medians:
    """Medians of one contender's runs.

    :param figure: What the case is about.
    :param cpu: Seconds of all processors.
    :param memory: MiB by which the process grew at its peak, from the start of the work.
    :param peak: MiB of the process at its peak, with what it had imported before.
    :param spread: (maximum - minimum) / median of the figures.
    """

    figure: float
    cpu: float
    memory: float
    peak: float
    spread: float
    figures: list[float]


@dataclass
class CaseResult:
    """Result of one case. ``spread`` is the largest one of its contenders.

    ``peer`` is the figure of the first peer, or of the slowest limit; None if there is none, or if it failed, which
    ``note`` says. ``ratio`` is ``peer`` divided by ours: above 1, ours is better; ``fastest`` is the same of the
    fastest peer.
    """

    ours: float | None
    peer: float | None
    ratio: float | None
    fastest: float | None
    spread: float | None
    unit: str
    bar: str
    reached: bool
    note: str
    contenders: dict[str, Medians]
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

    def skip(self) -> None:
        """Leave out a run."""
        self._total -= 1

    def end(self, result: str) -> None:
        """Print the result of the run."""
        self._done += 1
        sys.stderr.write(f"{result}\n")


def run(case: Case, workspace: Workspace, repeat: int, progress: Progress) -> CaseResult:
    """Run a case: ``repeat`` rounds, in which the contenders take turns, every other round in reverse order.

    A contender that has worked for ``ENOUGH`` seconds takes no further turn.
    """
    runs: dict[str, list[Run]] = {contender: [] for contender in case.contenders}
    failed: dict[str, str] = {}
    with case.setup(workspace) as measure:
        for number in range(repeat):
            for contender in case.contenders[:: -1 if number % 2 else 1]:
                if sum(done.seconds for done in runs[contender]) >= ENOUGH or contender in failed:
                    progress.skip()
                    continue
                progress.begin(f"{case.key}: {contender}")
                try:
                    runs[contender].append(done := measure(contender))
                    progress.end(f"{_figure(done):.3f} {case.unit}")
                except ContenderFailed as error:
                    failed[contender] = str(error)
                    progress.end(f"FAILED\n{error}")
    return summarize(case, runs, failed)


def summarize(case: Case, runs: dict[str, list[Run]], failed: dict[str, str]) -> CaseResult:
    """Compute the result of a case. A contender that failed once has no figure."""
    medians = {name: _medians(done) for name, done in runs.items() if name not in failed}
    figures = {name: of_name.figure for name, of_name in medians.items()}
    ours, peer = figures.get(case.ours), _compared(case, figures)
    ratio = peer / ours if peer and ours else None
    peers = [figures[name] for name in case.peers if name in figures]
    fastest = min(peers) / ours if peers and ours else None
    notes = [*(f"{name} failed" for name in failed), *(f"{name} not run: not built" for name in case.missing)]
    return CaseResult(
        ours=ours,
        peer=peer,
        ratio=ratio,
        fastest=fastest,
        spread=max((of_name.spread for of_name in medians.values()), default=None),
        unit=case.unit,
        bar=str(case.bar),
        reached=ours is not None and case.bar.reached(ours, ratio, fastest),
        note=", ".join(notes),
        contenders=medians,
    )


def _compared(case: Case, figures: dict[str, float]) -> float | None:
    """Return the figure of the first peer, or of the slowest limit."""
    if case.limits:
        return max(figures[name] for name in case.limits) if figures.keys() >= set(case.limits) else None
    return figures.get(case.peers[0]) if case.peers else None


def _medians(runs: list[Run]) -> Medians:
    figures = [_figure(run) for run in runs]
    return Medians(
        figure=statistics.median(figures),
        cpu=statistics.median(run.cpu for run in runs),
        memory=statistics.median(run.memory for run in runs) / MIB,
        peak=statistics.median(run.peak for run in runs) / MIB,
        spread=_spread(figures),
        figures=figures,
    )


def _figure(run: Run) -> float:
    return run.seconds if run.figure is None else run.figure


def _spread(figures: list[float]) -> float:
    median = statistics.median(figures)
    return (max(figures) - min(figures)) / abs(median) if median else 0.0

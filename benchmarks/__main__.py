"""Compare this provider with its alternatives, and show a table.

A full run takes a quarter of an hour and up to 10 GiB of disk (less with ``--cases``, ``--size`` and ``--repeat``).
Exit code 1 if a bar was missed (with ``--no-bars``: only if one of our contenders failed).
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from . import growth, machine, runner, table
from .cases import CASES, GROUPS, Case
from .fits import fits
from .sources import Sources, parse_size
from .transfers import MEMORY_LARGE
from .workspace import Plan, Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .runner import CaseResult, Progress

RESULTS = Path(__file__).parent / "results"
TMPFS = Path("/dev/shm")  # noqa: S108 (a folder of our own is made in it)


def main() -> int:
    """Run the chosen cases, or the plot, and return the exit code."""
    options = _parser().parse_args()
    for noisy in ("airflow_provider_taskcluster.emulator", "uvicorn"):  # in this process, they log each request
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # SIGTERM exits regularly, so that context managers stop the servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    return draw(options) if options.growth else compare(options)


def compare(options: argparse.Namespace) -> int:
    """Run all chosen cases on the disk and, with ``--tmpfs``, again in memory."""
    wanted = {key for name in options.cases or ["default"] for key in GROUPS.get(name, [name])}
    chosen = [case for case in CASES if case.key in wanted]
    plan = Plan(options.size, options.objects, options.calls)
    facts = machine.facts()
    in_memory = [case for case in chosen if case.on_tmpfs] if options.tmpfs and _tmpfs_holds(plan) else []
    progress = runner.Progress(options.repeat * sum(len(case.contenders) for case in chosen + in_memory))
    results = _results(chosen, options.folder, plan, options.repeat, progress)
    for key, result in _results(in_memory, TMPFS, plan, options.repeat, progress).items():
        results[key].tmpfs = {"ours": result.ours, "peer": result.peer, "ratio": result.ratio, "spread": result.spread}
    table.save(options.results / "latest.json", results, facts, {**asdict(plan), "repeat": options.repeat})
    print(table.show(results, facts))
    passed = all(result.ours is not None if options.no_bars else result.reached for result in results.values())
    return 0 if passed else 1


def draw(options: argparse.Namespace) -> int:
    """Plot how the cost of downloads grows."""
    with _workspace(options.folder, Plan(options.size * MEMORY_LARGE, options.objects, options.calls)) as workspace:
        measured = growth.sizes(workspace, options.repeat), growth.files(workspace, options.repeat)
    growth.save(options.results, *measured)
    print(*fits(*measured), "The plots are in growth*.svg, the figures are in growth.json.", sep="\n")
    return 0


def _tmpfs_holds(plan: Plan) -> bool:
    """Whether tmpfs has room for source, object and destination, and some more."""
    large_enough = TMPFS.is_dir() and shutil.disk_usage(TMPFS).free > 4 * plan.size
    if not large_enough:
        sys.stderr.write(f"{TMPFS} is too small or missing: the second run is left out.\n")
    return large_enough


def _results(cases: list[Case], folder: Path, plan: Plan, repeat: int, progress: Progress) -> dict[str, CaseResult]:
    if not cases:
        return {}
    with _workspace(folder, plan) as workspace:
        return {case.key: runner.run(case, workspace, repeat, progress) for case in cases}


@contextlib.contextmanager
def _workspace(folder: Path, plan: Plan) -> Iterator[Workspace]:
    """Give a temporary workspace in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    working = Path(tempfile.mkdtemp(prefix="benchmarks-", dir=folder))
    try:
        yield Workspace(working, Sources(working), plan)
    finally:
        shutil.rmtree(working, ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    names = [*GROUPS, *(case.key for case in CASES)]
    add(
        "--cases",
        action="extend",
        nargs="+",
        choices=names,
        metavar="CASE",
        help=f"default: all but waits. Cases and groups: {', '.join(names)}",
    )
    add(
        "--size", type=parse_size, default="1GiB", help="of the large files (%(default)s); memory takes four times this"
    )
    add("--repeat", type=int, default=3, help="rounds (%(default)s)")
    add("--objects", type=int, default=200, help="count of small objects (%(default)s)")
    add("--calls", type=int, default=500, help="count of JSON calls (%(default)s)")
    add("--folder", type=Path, default=RESULTS, help="folder on the disk to measure (default: this repository's)")
    add("--results", type=Path, default=RESULTS, help="folder for latest.json (default: this repository's)")
    add("--tmpfs", action="store_true", help=f"once more in {TMPFS}, shown beside the figures of the disk")
    add("--no-bars", action="store_true", help="a missed bar is no failure")
    add("--growth", action="store_true", help="plot how cost grows with size and connections instead")
    return parser


if __name__ == "__main__":
    os.environ.setdefault("NO_PROXY", "*")  # everything is on this machine
    sys.exit(main())

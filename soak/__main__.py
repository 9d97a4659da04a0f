"""Let one worker process move files, wait and run tasks for a long time, and check that it does not grow.

Memory, file descriptors and threads of the process are sampled. A line is fitted to the samples after the warm-up, the
first fifth of the run; exit code 1 if one of the lines rises by more than its bound until the end of the run, or if the
work fails.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import servers, world

from . import growth, picture, samples
from .leaks import LEAKS
from .rounds import QUEUE
from .worker import DONE

if TYPE_CHECKING:
    from .samples import Sample

REPOSITORY = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
# Seconds for the first round with all its imports, and for the one that is under way at the end.
PATIENCE = 120


def main() -> int:
    """Run the worker, print what it did and how it grew, and return the exit code."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="soak-", dir=options.folder))
    print(f"seed {options.seed}: {options.minutes:g} minutes, in {folder}", flush=True)
    try:
        with servers.emulator(folder / "emulator", 0, options=("--worker", QUEUE)) as direct:
            environment = world.client_environment(folder, direct, direct.root_url)
            taken, done = _watched(folder, environment, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found = growth.growths(taken)
    print(*(f"{count} {name}" for name, count in done.items()), sep=", ")
    print(*found, sep="\n")
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "soak.json").write_text(json.dumps([asdict(sample) for sample in taken]) + "\n")
    (options.results / "soak.svg").write_text(picture.draw(taken, found))
    return 0 if all(each.is_flat for each in found) else 1


def _watched(
    folder: Path, environment: dict[str, str], options: argparse.Namespace
) -> tuple[list[Sample], dict[str, int]]:
    """Run the worker, and take samples of it; return them, and what the worker did.

    :raises SystemExit: The worker failed.
    """
    command = [sys.executable, "-m", "soak.worker", str(folder), str(options.seed), *options.leak]
    output = folder / "output.txt"
    taken: list[Sample] = []
    with output.open("w") as file:
        worker = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=file, stderr=file)
    try:
        _wait_for(folder / DONE, worker)
        started = time.monotonic()
        while worker.poll() is None and time.monotonic() < started + options.minutes * 60:
            taken.append(samples.take(worker.pid, started))
            time.sleep(options.every)
        worker.terminate()
        worker.wait(PATIENCE)
    finally:
        worker.kill()
        worker.wait()
    if worker.returncode != 0:
        raise SystemExit(f"the worker failed (exit code {worker.returncode}): {output.read_text()[-4000:]}")
    return taken, json.loads((folder / DONE).read_text())


def _wait_for(file: Path, worker: subprocess.Popen[bytes]) -> None:
    """Wait until the first round is done, or the worker has failed."""
    end = time.monotonic() + PATIENCE
    while not file.exists() and worker.poll() is None and time.monotonic() < end:
        time.sleep(0.1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    add = parser.add_argument
    add("--minutes", type=float, default=30, help="length of the run, after a first round (%(default)s)")
    add("--every", type=float, default=5, metavar="SECONDS", help="between two samples (%(default)s)")
    add("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of contents; default: a new one")
    add("--results", type=Path, default=RESULTS, help="folder for soak.svg and soak.json (default: this repository's)")
    add("--folder", type=Path, help="where a folder is made for all of it (default: the system's for temporary files)")
    add("--leak", nargs="+", choices=sorted(LEAKS), default=[], help="leak on purpose, to see that it is found")
    return parser


if __name__ == "__main__":
    os.environ.setdefault("NO_PROXY", "*")  # everything is on this machine
    sys.exit(main())

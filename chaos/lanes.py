"""Runs many transfers, several at a time, each in a folder of its own that is kept after a violation."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

from . import trial
from .plan import draw
from .report import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Seconds between two lines about the progress.
PROGRESS_SECONDS = 10.0


def run(seed: int, numbers: Sequence[int], folder: Path, *, jobs: int, deadline: float) -> Tally:
    """Run the transfers of these numbers and return their total counts."""
    total, reported = Tally(), time.monotonic()

    def one(number: int) -> Tally:
        own = folder / str(number)
        tally = trial.run(draw(seed, number), own, deadline)
        if not tally.violations:
            shutil.rmtree(own)
        for violation in tally.violations:
            again = f'make chaos CHAOS="--seed {seed} --only {number}"'
            print(f"VIOLATION in {violation}\n  again: {again}; see {own}", flush=True)
        return tally

    with ThreadPoolExecutor(jobs) as pool:
        pending = [pool.submit(one, number) for number in numbers]
        try:
            for done in as_completed(pending):
                total.add(done.result())
                if time.monotonic() - reported > PROGRESS_SECONDS:
                    reported = time.monotonic()
                    print(f"{total.transfers}/{len(numbers)}: {total}", flush=True)
        finally:
            for waiting in pending:
                waiting.cancel()
    return total

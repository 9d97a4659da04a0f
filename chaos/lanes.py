"""Many transfers: several at a time, each in a folder of its own, which is kept where something was violated."""

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

# A line tells of the progress so often.
PROGRESS_SECONDS = 10.0


def run(seed: int, numbers: Sequence[int], folder: Path, *, jobs: int, deadline: float) -> Tally:
    """Run the transfers of these numbers; return the counts of all."""
    total, told = Tally(), time.monotonic()

    def one(number: int) -> Tally:
        own = folder / str(number)
        found = trial.run(draw(seed, number), own, deadline)
        if not found.violations:
            shutil.rmtree(own)
        for violation in found.violations:
            again = f'make chaos CHAOS="--seed {seed} --only {number}"'
            print(f"VIOLATION in {violation}\n  again: {again}; see {own}", flush=True)
        return found

    with ThreadPoolExecutor(jobs) as pool:
        pending = [pool.submit(one, number) for number in numbers]
        try:
            for done in as_completed(pending):
                total.add(done.result())
                if time.monotonic() - told > PROGRESS_SECONDS:
                    told = time.monotonic()
                    print(f"{total.transfers}/{len(numbers)}: {total}", flush=True)
        finally:
            for waiting in pending:
                waiting.cancel()
    return total

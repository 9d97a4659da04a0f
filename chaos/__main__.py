"""Move files under faults of the store and the services, kills, full disks and power losses, and check each transfer.

Everything is drawn from the seed and the number of a transfer: ``--seed S --only N`` repeats one of them. Checked after
each try: no wrong bytes under a final name, nothing lost after a success, no duplicates, no errors but the provider's
own, no secrets printed, no hanging. Checked at the end: a try without faults succeeds and sends only what is missing,
and files left by kills are removed after a day. Exit code 1 if any invariant was violated.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from . import lanes
from .disks import can_mount, make_mounts_private
from .processes import warm_up


def main() -> int:
    """Run the chosen transfers and return the exit code."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="chaos-", dir=options.folder))
    os.environ |= {"AIRFLOW_HOME": str(folder / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    make_mounts_private()
    warm_up()
    numbers = range(1, options.transfers + 1) if options.only is None else [options.only]
    print(f"seed {options.seed}: {len(numbers)} transfers, {options.jobs} at a time, in {folder}", flush=True)
    started = time.monotonic()
    total = lanes.run(options.seed, numbers, folder, jobs=options.jobs, deadline=options.deadline)
    if not can_mount():
        print("**** NOT RUN: power losses, which take root to mount disks; a limit on files stood for full ones ****")
    print(f"seed {options.seed}: {total}, in {time.monotonic() - started:.0f} s")
    if not total.violations:
        shutil.rmtree(folder)
    return 1 if total.violations else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    add = parser.add_argument
    add("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="default: a new one")
    add("--transfers", type=int, default=200, help="how many (%(default)s)")
    add("--only", type=int, metavar="N", help="only the transfer of this number")
    add("--jobs", type=int, default=2, help="how many at a time (%(default)s)")
    add("--deadline", type=float, default=60, help="seconds after which a try counts as hanging (%(default)s)")
    add("--folder", type=Path, help="where a folder is made for all of it (default: the system's for temporary files)")
    return parser


if __name__ == "__main__":
    sys.exit(main())

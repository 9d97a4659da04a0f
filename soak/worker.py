"""The process that is watched: ``python -m soak.worker FOLDER SEED [LEAK]...``; it works until SIGTERM.

After each round, the file FOLDER/done.json says how often it did each kind of work.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path
from random import Random

from .leaks import LEAKS
from .rounds import Rounds
from .triggerer import Triggerer

# Seconds between two rounds.
PAUSE = 0.5
DONE = "done.json"


def main(folder: str, seed: str, *leaks: str) -> None:
    """Repeat rounds until SIGTERM, and write after each what was done."""
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    with Triggerer() as triggerer:
        rounds = Rounds(Path(folder), seed, triggerer)
        triggerer.hold(rounds.idle_waits())
        number = 0
        while not stopped.is_set():
            rounds.run(number, Random(f"{seed}/{number}"))
            for leak in leaks:
                LEAKS[leak]()
            number += 1
            (Path(folder) / DONE).write_text(json.dumps(rounds.done))
            stopped.wait(PAUSE)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Process that runs one contender once: ``python -m benchmarks.contender MODULE.FUNCTION ARGUMENTS``.

A contender is a function in ``contenders/`` that prepares a piece of work and returns it as a function; only the work
is timed. ARGUMENTS are its keyword arguments as JSON. The last line of standard output is JSON, the fields of
``world.Run``.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
import time
from typing import TYPE_CHECKING

from . import usage

if TYPE_CHECKING:
    from collections.abc import Callable


def main(name: str, arguments: str) -> None:
    """Prepare a contender, time its work, and print the figures."""
    module, function = name.split(".")
    prepare = getattr(importlib.import_module(f"benchmarks.contenders.{module}"), function)
    work: Callable[[], int] = prepare(**json.loads(arguments))
    gc.collect()  # so that garbage of the imports is not collected while the clock runs
    peak, cpu = usage.Peak(), usage.cpu()
    started = time.perf_counter()
    moved = work()
    seconds = time.perf_counter() - started
    figures = {"seconds": seconds, "cpu": usage.cpu() - cpu, "memory": peak.grown(), "peak": usage.peak()}
    print(json.dumps({**figures, "bytes": moved}))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""One contender, once, as a process of its own: ``python -m benchmarks.contender MODULE.FUNCTION ARGUMENTS``.

A contender is a function in ``contenders/`` that imports and prepares what it needs and returns the work as a
function; only the work is timed. ARGUMENTS are its keyword arguments as JSON. The last line of standard output is
JSON: ``seconds``, what the work returned as ``bytes``, and by how much the ``memory`` held grew at the peak.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
import time
from typing import TYPE_CHECKING

from .memory import Peak

if TYPE_CHECKING:
    from collections.abc import Callable


def main(name: str, arguments: str) -> None:
    """Prepare, work, report."""
    module, function = name.split(".")
    prepare = getattr(importlib.import_module(f"benchmarks.contenders.{module}"), function)
    work: Callable[[], int] = prepare(**json.loads(arguments))
    gc.collect()  # what imports left behind is not for the clock
    peak = Peak()
    started = time.perf_counter()
    moved = work()
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "bytes": moved, "memory": peak.grown()}))


if __name__ == "__main__":
    main(*sys.argv[1:])

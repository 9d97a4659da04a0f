"""Processor time and peak memory of this process during a piece of work."""

from __future__ import annotations

import resource
from pathlib import Path

STATUS = Path("/proc/self/status")


class Peak:
    """Peak memory since its creation; memory used before, by imports, does not count."""

    def __init__(self) -> None:
        if STATUS.exists():
            Path("/proc/self/clear_refs").write_text("5")  # resets the kernel's peak to the current memory
        self._before = peak()

    def grown(self) -> int:
        """Return by how many bytes the peak exceeds the memory at the beginning."""
        return peak() - self._before


def peak() -> int:
    """Return the peak in bytes, since it was last reset."""
    if not STATUS.exists():  # not Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Not ru_maxrss, which begins with the memory of the parent process.
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def cpu() -> float:
    """Return the seconds of all processors that this process and its ended children have used."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)

"""How much memory this process needs for a piece of work."""

from __future__ import annotations

import resource
from pathlib import Path

STATUS = Path("/proc/self/status")


class Peak:
    """Begins to watch when it is made; what was used before, by imports, does not count."""

    def __init__(self) -> None:
        if STATUS.exists():
            Path("/proc/self/clear_refs").write_text("5")  # the kernel's mark of the peak goes down to what is held now
        self._before = _peak()

    def grown(self) -> int:
        """Bytes above the beginning, at the peak."""
        return _peak() - self._before


def _peak() -> int:
    """Most bytes held (since the mark was set back)."""
    if not STATUS.exists():  # not Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024

"""Samples of what a process holds, as the kernel counts it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sample:
    """What a process held at one time.

    :param seconds: Seconds since the run began.
    :param memory: Resident memory in bytes.
    :param files: Open file descriptors, sockets included.
    :param threads: Threads.
    """

    seconds: float
    memory: int
    files: int
    threads: int


def take(pid: int, started: float) -> Sample:
    """Take a sample of a running process.

    :param started: Monotonic time at which the run began.
    :raises OSError: The process has ended.
    """
    process = Path("/proc") / str(pid)
    fields = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    return Sample(
        seconds=time.monotonic() - started,
        memory=int(fields["VmRSS"].split()[0]) << 10,
        files=sum(1 for _ in (process / "fd").iterdir()),
        threads=int(fields["Threads"]),
    )

"""Log of one run: a file that grows, and whose first part is also streamed while it grows."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.emulator.clock import SECOND, to_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class TaskLog:
    """The log of a run, written by its commands and by the worker.

    ``path`` is the file. Each function in ``when_written`` is called with the new size after each write to the live
    part, and holds up the next write. One thread writes; others read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.when_written: list[Callable[[int], None]] = []
        self._file = path.open("wb", buffering=0)
        self._changed = threading.Condition()
        self._live_size = 0
        self._live = True

    def close(self) -> None:
        """Close the file; nothing can be written after."""
        self.end_live()
        self._file.close()

    def write(self, data: bytes) -> None:
        """Append output of a command."""
        with self._changed:
            self._file.write(data)
            if not self._live:
                return
            self._live_size += len(data)
            self._changed.notify_all()
        for call in self.when_written:
            call(self._live_size)

    def info(self, message: str) -> None:
        """Append lines of the worker, with the time."""
        self._write_lines(f"[taskcluster {to_json(int(time.time() * SECOND))}] ", message)

    def warn(self, message: str) -> None:
        """Append lines with a warning of the worker, with the time."""
        self._write_lines(f"[taskcluster:warn {to_json(int(time.time() * SECOND))}] ", message)

    def error(self, message: str) -> None:
        """Append lines with an error of the worker."""
        self._write_lines("[taskcluster:error] ", message)

    def end_live(self) -> None:
        """End the live part; what is written after is in the file alone."""
        with self._changed:
            self._live = False
            self._changed.notify_all()

    @property
    def live_size(self) -> int:
        """Bytes of the live part so far."""
        with self._changed:
            return self._live_size

    def wait_for_more(self, position: int) -> int:
        """Wait until the live part is longer than a position, or has ended; return its size."""
        with self._changed:
            self._changed.wait_for(lambda: self._live_size > position or not self._live)
            return self._live_size

    def _write_lines(self, prefix: str, message: str) -> None:
        lines = "".join(f"{prefix}{line}\n" for line in message.split("\n"))
        self.write(lines.encode(errors="replace"))

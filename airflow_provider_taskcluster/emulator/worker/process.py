"""One command as a process group, whose output is passed on while it comes, and which can be killed at any time."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

PIECE = 64 * 1024
LOOK_MILLISECONDS = 50
# A process that left the group can hold the pipe open, so its end is not waited for.
REST_SECONDS = 1.0


class ProcessGroup:
    """A command that was started without a shell, in a process group of its own.

    :raises OSError: The program cannot be started.
    """

    def __init__(self, arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(  # noqa: S603 - it is made to run what a task says
            arguments,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait(self, write: Callable[[bytes], None]) -> int:
        """Pass on the output until the program ends, kill what it left running, and return its exit code.

        :param write: Called with each piece of output, standard output and standard error together.
        :return: The exit code; that of a program killed by a signal is the negative number of the signal.
        """
        with self._process:
            while not self._has_exited():
                if piece := self._read():
                    write(piece)
                elif piece == b"":  # the program closed its output and runs on
                    self._has_exited(os.WEXITED | os.WNOWAIT)
            self.kill()
            end = time.monotonic() + REST_SECONDS
            while time.monotonic() < end and (piece := self._read()):
                write(piece)
            with self._lock:
                return self._process.wait()

    def kill(self) -> None:
        """Kill all processes of the group; does nothing once ``wait`` has returned."""
        with self._lock:
            if self._process.returncode is None:  # not waited for: its id is still its own
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)

    def _has_exited(self, options: int = os.WEXITED | os.WNOWAIT | os.WNOHANG) -> bool:
        """Whether the program has ended; it keeps its process id, so that the group can still be killed."""
        return os.waitid(os.P_PID, self._process.pid, options) is not None

    def _read(self) -> bytes | None:
        """Return a piece of output; b"" once all have closed it, None if nothing comes soon."""
        descriptor = self._process.stdout.fileno() if self._process.stdout else -1
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return os.read(descriptor, PIECE) if poll.poll(LOOK_MILLISECONDS) else None

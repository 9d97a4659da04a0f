"""Child processes that start fast, forked from one that has imported everything, and that can be killed."""

from __future__ import annotations

import ctypes
import faulthandler
import logging
import multiprocessing
import os
import signal
import threading
from multiprocessing import forkserver
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# https://man7.org/linux/man-pages/man2/prctl.2.html
PR_SET_PDEATHSIG = 1

CONTEXT = multiprocessing.get_context("forkserver")


class Child:
    """A child process. Locked, because Python's own class, which reaps ended children, is not thread-safe.

    :param target: A function of a module, called with the pickled arguments.
    """

    _lock = threading.Lock()

    def __init__(self, target: Callable[..., None], *arguments: Any) -> None:
        self._process = CONTEXT.Process(target=target, args=arguments)
        with self._lock:
            self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid
        self.sentinel = self._process.sentinel

    def exit_code(self, timeout: float | None = None) -> int | None:
        """Wait up to ``timeout`` seconds for the end; return the exit code, or None if the process still runs."""
        if not wait([self.sentinel], timeout):
            return None
        with self._lock:
            return self._process.exitcode

    def kill(self) -> None:
        """Kill the process, and wait for its end."""
        if self.exit_code(0) is None:
            with self._lock:
                self._process.kill()
            self.exit_code()


def warm_up() -> None:
    """Start the process that children are forked from. The calling thread must outlive the children."""
    CONTEXT.set_forkserver_preload(["chaos.warm"])
    forkserver.ensure_running()


def end_with_parent() -> None:
    """Let the kernel kill this process when its parent ends, and ignore signals sent to the process group."""
    for number in (signal.SIGINT, signal.SIGTERM):  # sent to the whole group by a terminal or ``timeout``
        signal.signal(number, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def set_up_child(output: Path) -> None:
    """Append the output of this process to a file, and end this process with its parent.

    SIGUSR1 prints the stacks of its threads.
    """
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    os.close(descriptor)
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", force=True)
    end_with_parent()

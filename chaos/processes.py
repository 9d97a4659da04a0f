"""Processes that start at once: forked from one that has imported everything, and is killed with nobody's harm."""

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
    """One of them. Python's own class is for one thread alone: each that starts looks whether others have ended.

    :param target: A function of a module; it is handed the arguments, pickled.
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
        """Wait so many seconds for its end; return its exit code, None if it still runs."""
        if not wait([self.sentinel], timeout):
            return None
        with self._lock:
            return self._process.exitcode

    def kill(self) -> None:
        """End it at once."""
        if self.exit_code(0) is None:
            with self._lock:
                self._process.kill()
            self.exit_code()


def warm_up() -> None:
    """Start the process that the others are forked from. The thread that calls this must live as long as they do."""
    CONTEXT.set_forkserver_preload(["chaos.warm"])
    forkserver.ensure_running()


def end_with_parent() -> None:
    """Have the system kill this process when the one that started it has ended, however it did, and nobody before."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a terminal, or ``timeout``, sends them to all of a group
        signal.signal(number, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def settle_in(output: Path) -> None:
    """Let all that this process prints go to the end of a file, and let it end with the one that it was forked from.

    SIGUSR1 prints what its threads do.
    """
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    os.close(descriptor)
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", force=True)
    end_with_parent()

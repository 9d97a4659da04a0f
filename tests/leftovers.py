"""A check after each test file: no thread, descriptor, child process or temporary file is left behind.

A later test would be blamed for it. The check names the test after which a leftover was first seen. An event loop is
seen by the descriptors that it holds.
"""

from __future__ import annotations

import gc
import os
import re
import tempfile
import threading
import time
from pathlib import Path

import asgiref.sync
import fsspec.asyn
import psutil
import pytest

Resource = tuple[str, str]  # kind and name

DESCRIPTORS = Path("/proc/self/fd")  # Linux only; elsewhere descriptors are not checked
# Threads that serve the whole process.
KEPT_THREADS = (
    "AnyIO worker thread",  # the emulator's pool, which ends idle threads by itself
    "asyncio_",  # the executor of an event loop; it ends with the loop
    "Dummy-",  # threads of pyarrow that call Python
    "pytest_timeout",  # of the test that ends with this check
)
# Files of the whole process. The emulator opens its database once for each thread of its pool, Airflow leaves selectors
# open (an event loop has sockets as well), and polars has a pool of threads.
KEPT_FILES = re.compile(r"airflow\.db|^/dev/|eventpoll|eventfd|/taskcluster-emulator-[^/]*/state\.sqlite")
GRACE_SECONDS = 3.0  # a server notices a moment later that its client has gone


class LeftoversCheck:
    """A plugin of pytest."""

    def __init__(self) -> None:
        self._kept: set[Resource] = set()
        self._first_seen: dict[Resource, str] = {}

    def pytest_collection_finish(self) -> None:
        """Keep what belongs to the process: what is open before the first test, and threads that start once."""
        fsspec.asyn.get_loop()
        asgiref.sync.SyncToAsync.single_thread_executor.submit(int).result()
        self._kept |= open_resources()
        _collect_garbage()
        gc.enable()
        gc.set_threshold(20_000, 50, 100)  # a file's garbage is collected at its end: 5 % less processor time

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        """Keep what a session fixture opens, until the end of the session."""
        if fixturedef.scope != "session":
            return (yield)
        before = open_resources()
        try:
            return (yield)
        finally:
            self._kept |= open_resources() - before

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item, nextitem):
        """Note what each test adds; fail after the last test of a file if something of it is still there."""
        yield
        for resource in _quickly_listed() - self._kept:
            self._first_seen.setdefault(resource, item.name)
        if nextitem is None or nextitem.path != item.path:
            left = self._left()
            assert not left, f"tests of {item.path.name} left behind: " + "; ".join(left)

    def _left(self) -> list[str]:
        """Describe what is left of the tests of a file; it counts as kept from then on."""
        _collect_garbage()
        deadline = time.monotonic() + GRACE_SECONDS
        while (left := open_resources() - self._kept) and time.monotonic() < deadline:
            time.sleep(0.02)
        first_seen, self._first_seen = self._first_seen, {}
        self._kept |= left
        sockets = _sockets() if left else {}
        return [
            f"{' '.join(item)}{sockets.get(item[1].split()[0], '')}, first seen after "
            f"{first_seen.get(item, 'one of them')}"
            for item in sorted(left)
        ]


def _collect_garbage() -> None:
    """Collect garbage, and exclude what survives from later collections: they take milliseconds, not half a second."""
    gc.collect()
    gc.freeze()


def open_resources() -> set[Resource]:
    """Return kind and name of everything that this process holds."""
    return _quickly_listed() | _processes()


def _quickly_listed() -> set[Resource]:
    """Return what can be listed after each test; to find child processes takes 10 ms."""
    return _threads() | _descriptors() | _temporary_files()


def _threads() -> set[Resource]:
    return {
        ("thread", f"{thread.name} ({thread.ident})")
        for thread in threading.enumerate()
        if thread.is_alive() and not thread.name.startswith(KEPT_THREADS)
    }


def _descriptors() -> set[Resource]:
    opened = set()
    for number in os.listdir(DESCRIPTORS) if DESCRIPTORS.is_dir() else ():  # noqa: PTH208 (as below)
        try:
            target = os.readlink(f"{DESCRIPTORS}/{number}")  # noqa: PTH115 (a path for each takes twice the time)
        except FileNotFoundError:  # that of the listing itself
            continue
        if not KEPT_FILES.search(target):
            opened.add(("descriptor", f"{number} of {target}"))
    return opened


def _sockets() -> dict[str, str]:
    """Return where each socket leads, by its descriptor."""
    connections = psutil.Process().net_connections("all")
    return {str(c.fd): f" from {c.laddr} to {c.raddr or 'nowhere'}, {c.status}" for c in connections}


def _processes() -> set[Resource]:
    return {("process", str(child.pid)) for child in psutil.Process().children()}


def _temporary_files() -> set[Resource]:
    return {
        ("temporary file", name)
        for name in os.listdir(tempfile.gettempdir())  # noqa: PTH208 (as above)
        if not name.startswith("uv-")  # its locks, which it keeps
    }

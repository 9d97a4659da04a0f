"""A folder of this machine. No link in it is followed: nothing is written outside of it."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.transfer.payload.destination import Content, digests_of
from airflow_provider_taskcluster.transfer.sink import leftovers
from airflow_provider_taskcluster.transfer.sink.base import destination_errors
from airflow_provider_taskcluster.transfer.sink.directory import Directory
from airflow_provider_taskcluster.transfer.sink.durable import sync_data
from airflow_provider_taskcluster.transfer.sink.path import PathSink
from airflow_provider_taskcluster.transfer.source.paths import path_text, require_possible

if TYPE_CHECKING:
    import io
    from collections.abc import Iterable

    from airflow_provider_taskcluster.transfer.sink.base import Sink

# Seconds after which what was appended is synced again: it saves the next run some work, and is checked then.
OFTEN = 1.0


class LocalPlace:
    """A folder, made if need be. The path itself is trusted: links on the way to it are followed.

    :param durable: What is in it survives power loss.
    """

    def __init__(self, path: str | os.PathLike[str], *, durable: bool = True) -> None:
        self.url = os.path.abspath(path_text(path))  # noqa: PTH100 (which does not follow links either, and is text)
        self._appending = threading.Lock()
        self._appended: dict[str, io.FileIO] = {}
        self._synced = time.monotonic()
        with destination_errors(self.url):
            require_possible(Path(self.url), folder=True)
            self._root = Directory.at(self.url, make=True, durable=durable)
            leftovers.sweep(self._root)
            self.case_sensitive = self._root.case_sensitive()

    def path_of(self, name: str) -> str:
        """Path of a file."""
        return f"{self.url.rstrip('/')}/{name}"

    def sink(self, name: str) -> Sink:
        """Return the sink of a file, which keeps what has arrived for a later try."""
        self.look(name)
        *above, _ = name.split("/")
        return PathSink(self.path_of(name), partial(self._root.below, above))

    def look(self, name: str) -> Content | None:
        """Return what is there; None for nothing."""
        *above, last = name.split("/")
        with destination_errors(self.path_of(name)):
            try:
                folder = self._root.below(above, make=False)
            except FileNotFoundError:
                return None
            found = folder.stat_file(last)
            return None if found is None else Content(found.st_size, partial(_digests, folder, last))

    def tag(self, name: str) -> str:  # noqa: ARG002 (of the protocol)
        """There is none: what is on a disk is hashed."""
        return ""

    def read(self, name: str) -> bytes | None:
        """Return a small file, None if there is none, or if another user may have made it."""
        with destination_errors(self.path_of(name)):
            self._root.stat_file(name)
            return self._root.read_own(name)

    def write(self, name: str, content: bytes) -> None:
        """Put a small file in its place at once."""
        with destination_errors(self.path_of(name)):
            self._root.write(name, content, private=False, synced=True)

    def append(self, name: str, line: bytes) -> None:
        """Append to a small file, in one piece: other processes may do the same."""
        with destination_errors(self.path_of(name)), self._appending:
            if name not in self._appended:
                self._appended[name] = self._to_append(name)
            self._appended[name].write(b"\n" + line)  # the line before may be torn
            if time.monotonic() - self._synced > OFTEN:
                self._sync_appended()

    def _to_append(self, name: str) -> io.FileIO:
        flags = os.O_WRONLY | os.O_APPEND
        with contextlib.suppress(FileExistsError):
            return self._root.create(name, flags)
        found = self._root.open(name, flags)
        if self._root.is_own(found):
            return found
        found.close()
        self._root.unlink(name)
        return self._root.create(name, flags)

    def settle(self) -> None:
        """Sync what was appended."""
        with destination_errors(self.url), self._appending:
            self._sync_appended()

    def _sync_appended(self) -> None:
        if self._root.durable:
            for file in self._appended.values():
                sync_data(file.fileno())
        self._synced = time.monotonic()

    def remove(self, name: str) -> None:
        """Remove a small file, if it is there."""
        with destination_errors(self.path_of(name)):
            self._root.unlink(name)

    def close(self) -> None:
        """Let it go."""
        for file in self._appended.values():
            file.close()
        self._root.close()


def _digests(folder: Directory, name: str, algorithms: Iterable[str]) -> dict[str, str]:
    """Read a file, and have it on disk: who finds it whole takes it for good, whoever wrote it."""
    with destination_errors(f"{folder.path}/{name}"), folder.open(name) as file:
        digests = digests_of(file, algorithms)
        if folder.durable:
            sync_data(file.fileno())
            folder.sync()
    return digests

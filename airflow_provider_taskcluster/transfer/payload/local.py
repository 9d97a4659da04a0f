"""A payload destination on this machine. No link in it is followed: nothing is written outside of it."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.transfer.payload.destination import ExistingFile, digests_of
from airflow_provider_taskcluster.transfer.sink import leftovers
from airflow_provider_taskcluster.transfer.sink.base import destination_errors
from airflow_provider_taskcluster.transfer.sink.directory import Directory
from airflow_provider_taskcluster.transfer.sink.durable import sync_data
from airflow_provider_taskcluster.transfer.sink.partial_file import PathSink
from airflow_provider_taskcluster.transfer.source.local_paths import path_text, require_possible

if TYPE_CHECKING:
    import io
    from collections.abc import Iterable

    from airflow_provider_taskcluster.transfer.sink.base import Sink

# Seconds between two syncs of the journal. A sync only saves the next run work: the entries are checked then.
SYNC_SECONDS = 1.0


class LocalDestination:
    """A local folder, created if missing. The path itself is trusted: links on the way to it are followed.

    :param durable: Whether its files survive power loss.
    """

    def __init__(self, path: str | os.PathLike[str], *, durable: bool = True) -> None:
        self.url = os.path.abspath(path_text(path))  # noqa: PTH100 (keeps links, and gives text)
        self._appending = threading.Lock()
        self._appended: dict[str, io.FileIO] = {}
        self._synced = time.monotonic()
        with destination_errors(self.url):
            require_possible(Path(self.url), folder=True)
            self._root = Directory.at(self.url, make=True, durable=durable)
            leftovers.sweep(self._root)
            self.case_sensitive = self._root.case_sensitive()

    def path_of(self, name: str) -> str:
        """Return the path of a file."""
        return f"{self.url.rstrip('/')}/{name}"

    def sink(self, name: str) -> Sink:
        """Return the sink of a file, which keeps received bytes for a later try."""
        self.existing(name)
        *above, _ = name.split("/")
        return PathSink(self.path_of(name), partial(self._root.below, above))

    def existing(self, name: str) -> ExistingFile | None:
        """Return the existing file of this name, None if there is none."""
        *above, last = name.split("/")
        with destination_errors(self.path_of(name)):
            try:
                folder = self._root.below(above, make=False)
            except FileNotFoundError:
                return None
            leftovers.sweep_if_due(folder)  # nothing may be written there
            status = folder.stat_file(last)
            return None if status is None else ExistingFile(status.st_size, partial(_digests, folder, last))

    def tag(self, name: str) -> str:  # noqa: ARG002 (of the protocol)
        """Return "": files on a disk have no tag, and are hashed."""
        return ""

    def read(self, name: str) -> bytes | None:
        """Return a small file, None if there is none, or another user may have made it."""
        with destination_errors(self.path_of(name)):
            self._root.stat_file(name)
            return self._root.read_own(name)

    def write(self, name: str, content: bytes) -> None:
        """Write a small file atomically."""
        with destination_errors(self.path_of(name)):
            self._root.write(name, content, private=False, synced=True)

    def append(self, name: str, line: bytes) -> None:
        """Append a line to a small file by one write: other processes may append, too."""
        with destination_errors(self.path_of(name)), self._appending:
            if name not in self._appended:
                self._appended[name] = self._open_journal(name)
            self._appended[name].write(b"\n" + line)  # the previous line may be torn
            if time.monotonic() - self._synced > SYNC_SECONDS:
                self._sync_appended()

    def _open_journal(self, name: str) -> io.FileIO:
        flags = os.O_WRONLY | os.O_APPEND
        with contextlib.suppress(FileExistsError):
            return self._root.create(name, flags)
        file = self._root.open(name, flags)
        if self._root.is_own(file):
            return file
        file.close()
        self._root.unlink(name)
        return self._root.create(name, flags)

    def flush(self) -> None:
        """Sync the appended lines."""
        with destination_errors(self.url), self._appending:
            self._sync_appended()

    def _sync_appended(self) -> None:
        if self._root.durable:
            for file in self._appended.values():
                sync_data(file.fileno())
        self._synced = time.monotonic()

    def remove(self, name: str) -> None:
        """Remove a small file, if it exists."""
        with destination_errors(self.path_of(name)):
            self._root.unlink(name)

    def close(self) -> None:
        """Close the folder and the appended files."""
        for file in self._appended.values():
            file.close()
        self._root.close()


def _digests(folder: Directory, name: str, algorithms: Iterable[str]) -> dict[str, str]:
    """Hash a file, and sync it: a file that is found whole counts as stored, whoever wrote it."""
    with destination_errors(f"{folder.path}/{name}"), folder.open(name) as file:
        digests = digests_of(file, algorithms)
        if folder.durable:
            sync_data(file.fileno())
            folder.sync()
    return digests

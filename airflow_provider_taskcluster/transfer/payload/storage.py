"""A payload destination in a storage, such as a prefix of a bucket. Files are streamed to it, without a local copy."""

from __future__ import annotations

import contextlib
import threading
import time
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import DestinationError, NameRefused
from airflow_provider_taskcluster.transfer.payload.destination import ExistingFile, digests_of
from airflow_provider_taskcluster.transfer.sink.storage import StorageSink
from airflow_provider_taskcluster.transfer.storage_paths import StorageFile, storage_errors

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from airflow_provider_taskcluster.transfer.sink.base import Sink

# Seconds between two writes of the journal, which is rewritten since a bucket cannot append.
WRITE_SECONDS = 10.0
# Keys of a content's tag or modification time in storages' listings; the first that is set is used.
_TAGS = ("ETag", "etag", "md5Hash", "content_md5", "generation", "LastModified", "last_modified", "mtime", "created")


class StorageDestination:
    """A folder of an fsspec file system.

    Existing files are listed once, on first use. A file that still has the tag of its writing is not read again.
    """

    case_sensitive = True

    def __init__(self, folder: StorageFile) -> None:
        self.url = folder.url.rstrip("/")
        self._fs = folder.fs
        self._path = folder.path.rstrip("/")
        self._listing: dict[str, dict[str, Any]] | None = None
        self._appended: dict[str, bytes] = {}
        self._written = time.monotonic()
        self._lock = threading.Lock()

    def path_of(self, name: str) -> str:
        """Return the URL of a file."""
        return f"{self.url}/{name}"

    def sink(self, name: str) -> Sink:
        """Return the sink of a file."""
        return StorageSink(self._file(name))

    def existing(self, name: str) -> ExistingFile | None:
        """Return the file of this name that existed on first use, None if there was none."""
        facts = self._facts().get(self._file(name).path.lstrip("/"))
        if facts is None:
            return None
        if facts.get("type") != "file" or facts.get("islink"):
            raise NameRefused(f"{self.path_of(name)!r} is no regular file: remove it")
        return ExistingFile(facts.get("size") or 0, partial(self._digests, name), _tag_of(facts))

    def tag(self, name: str) -> str:
        """Return the storage's tag of a file that was just written, "" if there is none."""
        path = self._file(name).path
        with contextlib.suppress(Exception):  # a tag only saves the next run from reading the file
            self._fs.invalidate_cache(path)
            return _tag_of(self._fs.info(path))
        return ""

    def read(self, name: str) -> bytes | None:
        """Return a small file, None if there is none."""
        with self._explained(name):
            try:
                content: bytes = self._fs.cat_file(self._file(name).path)
            except FileNotFoundError:
                return None
            return content

    def write(self, name: str, content: bytes) -> None:
        """Write a small file at once."""
        sink = self.sink(name)
        sink.begin(len(content))
        sink.write(content)
        sink.commit()

    def append(self, name: str, line: bytes) -> None:
        """Append a line to a small file, which is rewritten every few seconds."""
        with self._lock:
            if name not in self._appended:
                self._appended[name] = self.read(name) or b""
            self._appended[name] += b"\n" + line
            if time.monotonic() - self._written > WRITE_SECONDS:
                self._write_appended()

    def flush(self) -> None:
        """Write the appended lines."""
        with self._lock:
            self._write_appended()

    def remove(self, name: str) -> None:
        """Remove a small file, if it exists."""
        with self._lock:
            self._appended.pop(name, None)
        with self._explained(name):
            try:
                self._fs.rm_file(self._file(name).path)
            except FileNotFoundError:
                return

    def close(self) -> None:
        """Do nothing: no resource is held."""

    def _write_appended(self) -> None:
        self._written = time.monotonic()
        for name, content in self._appended.items():
            self.write(name, content)

    def _file(self, name: str) -> StorageFile:
        return StorageFile(self._fs, f"{self._path}/{name}", self.path_of(name))

    def _facts(self) -> dict[str, dict[str, Any]]:
        """Return the listed files by path, without a leading slash."""
        with self._lock:
            if self._listing is None:
                with self._explained(""):
                    self._listing = self._list()
            return self._listing

    def _list(self) -> dict[str, dict[str, Any]]:
        self._fs.invalidate_cache()
        try:
            listing = self._fs.find(self._path, detail=True)
        except FileNotFoundError:
            return {}
        return {path.lstrip("/"): facts for path, facts in listing.items()}

    def _digests(self, name: str, algorithms: Iterable[str]) -> dict[str, str]:
        with self._explained(name), self._fs.open(self._file(name).path, "rb") as file:
            return digests_of(file, algorithms)

    def _explained(self, name: str) -> AbstractContextManager[None]:
        return storage_errors(DestinationError, f"Cannot use {self.path_of(name)}", kept=(FileNotFoundError,))


def _tag_of(facts: dict[str, Any]) -> str:
    return next((f"{key}={_as_text(facts[key])}" for key in _TAGS if facts.get(key)), "")


def _as_text(value: Any) -> str:
    """Normalise a tag: a storage's listings and single responses differ in quotes and types."""
    return str(value.timestamp() if isinstance(value, datetime) else value).strip('"')

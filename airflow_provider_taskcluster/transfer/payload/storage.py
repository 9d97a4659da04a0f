"""A folder of a storage, such as a prefix of a bucket: files go there as they come, without a copy on this machine."""

from __future__ import annotations

import contextlib
import threading
import time
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import DestinationError, NameRefused, TaskclusterError
from airflow_provider_taskcluster.transfer.payload.destination import Content, digests_of
from airflow_provider_taskcluster.transfer.sink.storage import StorageSink
from airflow_provider_taskcluster.transfer.storage_paths import StorageFile, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_taskcluster.transfer.sink.base import Sink

# Seconds after which what was appended is written again, as nothing can be appended in a bucket.
OFTEN = 10.0
# What storages call a content, or when it was written; the first of them that there is.
_TAGS = ("ETag", "etag", "md5Hash", "content_md5", "generation", "LastModified", "last_modified", "mtime", "created")


class StoragePlace:
    """A folder of a file system of fsspec.

    What is there is listed once, at the beginning. Content with the tag that it was written with is not read again.
    """

    case_sensitive = True

    def __init__(self, folder: StorageFile) -> None:
        self.url = folder.url.rstrip("/")
        self._fs = folder.fs
        self._path = folder.path.rstrip("/")
        self._there: dict[str, dict[str, Any]] | None = None
        self._appended: dict[str, bytes] = {}
        self._written = time.monotonic()
        self._lock = threading.Lock()

    def path_of(self, name: str) -> str:
        """URL of a file."""
        return f"{self.url}/{name}"

    def sink(self, name: str) -> Sink:
        """Return the sink of a file."""
        return StorageSink(self._file(name))

    def look(self, name: str) -> Content | None:
        """Return what was there at the beginning; None for nothing."""
        facts = self._facts().get(self._file(name).path.lstrip("/"))
        if facts is None:
            return None
        if facts.get("type") != "file" or facts.get("islink"):
            raise NameRefused(f"{self.path_of(name)!r} is no regular file: remove it")
        return Content(facts.get("size") or 0, partial(self._digests, name), _tag(facts))

    def tag(self, name: str) -> str:
        """Return what the storage calls the content that a file has just been given."""
        path = self._file(name).path
        with contextlib.suppress(Exception):  # it saves the next run a reading, and nothing else
            self._fs.invalidate_cache(path)
            return _tag(self._fs.info(path))
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
        """Put a small file in its place at once."""
        sink = self.sink(name)
        sink.begin(len(content))
        sink.write(content)
        sink.commit()

    def append(self, name: str, line: bytes) -> None:
        """Append to a small file; it is written now and then."""
        with self._lock:
            if name not in self._appended:
                self._appended[name] = self.read(name) or b""
            self._appended[name] += b"\n" + line
            if time.monotonic() - self._written > OFTEN:
                self._write_appended()

    def settle(self) -> None:
        """Write what was appended."""
        with self._lock:
            self._write_appended()

    def remove(self, name: str) -> None:
        """Remove a small file, if it is there."""
        with self._lock:
            self._appended.pop(name, None)
        with self._explained(name):
            try:
                self._fs.rm_file(self._file(name).path)
            except FileNotFoundError:
                return

    def close(self) -> None:
        """Nothing is held."""

    def _write_appended(self) -> None:
        self._written = time.monotonic()
        for name, content in self._appended.items():
            self.write(name, content)

    def _file(self, name: str) -> StorageFile:
        return StorageFile(self._fs, f"{self._path}/{name}", self.path_of(name))

    def _facts(self) -> dict[str, dict[str, Any]]:
        """List what is there, by path without a leading slash."""
        with self._lock:
            if self._there is None:
                with self._explained(""):
                    self._there = self._listed()
            return self._there

    def _listed(self) -> dict[str, dict[str, Any]]:
        self._fs.invalidate_cache()
        try:
            found = self._fs.find(self._path, detail=True)
        except FileNotFoundError:
            return {}
        return {path.lstrip("/"): facts for path, facts in found.items()}

    def _digests(self, name: str, algorithms: Iterable[str]) -> dict[str, str]:
        with self._explained(name), self._fs.open(self._file(name).path, "rb") as file:
            return digests_of(file, algorithms)

    @contextlib.contextmanager
    def _explained(self, name: str) -> Iterator[None]:
        """Turn what a file system raises into a sentence."""
        try:
            yield
        except (TaskclusterError, FileNotFoundError):
            raise
        except Exception as error:
            raise DestinationError(f"Cannot use {self.path_of(name)}: {reason_of(error)}") from error


def _tag(facts: dict[str, Any]) -> str:
    return next((f"{key}={_as_text(facts[key])}" for key in _TAGS if facts.get(key)), "")


def _as_text(value: Any) -> str:
    """Write a value of a tag as one thing: listings and single answers of one storage differ in quotes and types."""
    return str(value.timestamp() if isinstance(value, datetime) else value).strip('"')

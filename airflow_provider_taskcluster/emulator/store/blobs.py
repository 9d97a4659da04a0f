"""Files of the store, one for each key, in folders that any web server can serve.

A key's file is ``<folder>/<bucket>/<sha256 of the key>``, and the path of its URL is the same, so that a
server whose document root is ``<folder>`` needs no mapping. Content type, encoding and disposition, which such
a server does not know, are in the database. Files are created and replaced atomically.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_taskcluster.emulator.database import Database

PUBLIC = "public-artifacts"
BUCKETS = ("objects", PUBLIC, "private-artifacts")

_ESCAPED = re.compile("(?:[^%]|%[0-9A-Fa-f]{2})*")
_PUBLIC = re.compile(rf"/{PUBLIC}/([^/]+/.+)")
_PATH = re.compile(rf"/(?:{'|'.join(BUCKETS)})/[0-9a-f]{{64}}")


@dataclass(frozen=True)
class Representation:
    """Content headers with which stored bytes are served."""

    content_type: str | None = None
    content_encoding: str | None = None
    content_disposition: str | None = None

    def headers(self) -> dict[str, str]:
        """Return the response headers; the default type is binary/octet-stream, as in S3."""
        given = {
            "Content-Type": self.content_type or "binary/octet-stream",
            "Content-Encoding": self.content_encoding,
            "Content-Disposition": self.content_disposition,
        }
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True)
class Blob:
    """An open file, which later replacements do not change. The reader closes ``file``."""

    file: IO[bytes]
    size: int
    etag: str
    last_modified: str
    representation: Representation


class Blobs:
    """The files of the store and their metadata."""

    def __init__(self, data_dir: Path, database: Database) -> None:
        self.folder = data_dir / "store"
        self._incoming = data_dir / "incoming"
        self._database = database
        for folder in (self._incoming, *(self.folder / bucket for bucket in BUCKETS)):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in (self._incoming, self.folder):
            folder.chmod(0o700)
        for abandoned in self._incoming.iterdir():
            abandoned.unlink()

    @staticmethod
    def path(bucket: str, key: str) -> str:
        """Return the URL path of a key."""
        return f"/{bucket}/{hashlib.sha256(key.encode()).hexdigest()}"

    @staticmethod
    def is_path(path: str) -> bool:
        """Whether a URL path can be that of a key; no other path is ever opened."""
        return _PATH.fullmatch(path) is not None

    @classmethod
    def public_path(cls, path: str) -> str | None:
        """Return the path for a URL that names a key of the public bucket, else None; invalid escapes match no key."""
        named = _PUBLIC.fullmatch(path)
        return named and cls.path(PUBLIC, unquote(named[1]) if _ESCAPED.fullmatch(named[1]) else path)

    def open(self, path: str) -> Blob | None:
        """Open the blob at a path; None if there is none."""
        try:
            file = (self.folder / path[1:]).open("rb", buffering=0)
        except FileNotFoundError:
            return None
        stat = os.fstat(file.fileno())
        row = self._database.one("SELECT * FROM blobs WHERE path = ?", path)
        representation = Representation(*tuple(row)[1:]) if row else Representation()
        etag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
        return Blob(file, stat.st_size, etag, formatdate(stat.st_mtime, usegmt=True), representation)

    def put(self, path: str, data: bytes, representation: Representation) -> None:
        """Store bytes under a path."""
        with self.writer() as file:
            file.write(data)
            self.commit(file, path, representation)

    @contextlib.contextmanager
    def writer(self) -> Iterator[IO[bytes]]:
        """Give a temporary file to write to, removed at the end of the block unless :meth:`commit` is called."""
        with tempfile.NamedTemporaryFile(dir=self._incoming, buffering=0, delete=False) as file:
            try:
                yield file
            finally:
                Path(file.name).unlink(missing_ok=True)

    def commit(self, file: IO[bytes], path: str, representation: Representation) -> None:
        """Move a written file to its path, replacing the one there."""
        Path(file.name).chmod(0o644)
        Path(file.name).replace(self.folder / path[1:])
        r = representation
        self._database.execute(
            "INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?)",
            path,
            r.content_type,
            r.content_encoding,
            r.content_disposition,
        )

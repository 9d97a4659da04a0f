"""The bytes: plain files, one for each key, in folders that any web server can serve.

A key's file is ``<folder>/<bucket>/<sha256 of the key>``, and the path of its URL is the same, so that a
server whose document root is ``<folder>`` needs no mapping. What a plain server does not know (type,
encoding, disposition) is kept in the database. A file appears, or is replaced, whole.
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
    """How stored bytes are to be served."""

    content_type: str | None = None
    content_encoding: str | None = None
    content_disposition: str | None = None

    def headers(self) -> dict[str, str]:
        """As response headers; S3 says binary/octet-stream where no type was given."""
        given = {
            "Content-Type": self.content_type or "binary/octet-stream",
            "Content-Encoding": self.content_encoding,
            "Content-Disposition": self.content_disposition,
        }
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True)
class Blob:
    """One opened file as it is now, whatever replaces it later. The reader closes ``file``."""

    file: IO[bytes]
    size: int
    etag: str
    last_modified: str
    representation: Representation


class Blobs:
    """The folder of files and what is known about them."""

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
        """The URL path of a key."""
        return f"/{bucket}/{hashlib.sha256(key.encode()).hexdigest()}"

    @staticmethod
    def is_path(path: str) -> bool:
        """Whether a URL path can be that of a key; nothing else is ever opened."""
        return _PATH.fullmatch(path) is not None

    @classmethod
    def public_path(cls, path: str) -> str | None:
        """The URL path of a key of the public bucket that is named in a URL; what is escaped wrongly names no other."""
        named = _PUBLIC.fullmatch(path)
        return named and cls.path(PUBLIC, unquote(named[1]) if _ESCAPED.fullmatch(named[1]) else path)

    def open(self, path: str) -> Blob | None:
        """The blob at a path, if there is one."""
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
        """Store bytes at once."""
        with self.writer() as file:
            file.write(data)
            self.commit(file, path, representation)

    @contextlib.contextmanager
    def writer(self) -> Iterator[IO[bytes]]:
        """A file to write to; without :meth:`commit` it is gone at the end of the block."""
        with tempfile.NamedTemporaryFile(dir=self._incoming, buffering=0, delete=False) as file:
            try:
                yield file
            finally:
                Path(file.name).unlink(missing_ok=True)

    def commit(self, file: IO[bytes], path: str, representation: Representation) -> None:
        """Give what was written its place, and take that of what was there."""
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

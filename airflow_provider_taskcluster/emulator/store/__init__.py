"""Store of bytes as the services see it: keys in buckets, and URLs to reach them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote

from .blobs import Blobs, Representation
from .signing import Signer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from airflow_provider_taskcluster.emulator.clock import Clock
    from airflow_provider_taskcluster.emulator.database import Database


class Store:
    """Stores bytes in buckets and signs URLs. All URLs begin with ``url``."""

    def __init__(self, data_dir: Path, database: Database, clock: Clock, url: str) -> None:
        self.url = url.rstrip("/")
        self.blobs = Blobs(data_dir, database)
        self.signer = Signer(_key(database), clock)

    def get_url(self, bucket: str, key: str, *, seconds: float) -> str:
        """Return a signed URL to GET a key's bytes."""
        path = self.blobs.path(bucket, key)
        return f"{self.url}{path}?{self.signer.sign('GET', path, seconds=seconds)}"

    def public_url(self, bucket: str, key: str) -> str:
        """Return an unsigned URL to GET a key's bytes by its name. ``%`` in the name is not escaped."""
        return f"{self.url}/{bucket}/{quote(key, safe='/%')}"

    def put_url(self, bucket: str, key: str, *, seconds: float, headers: Mapping[str, str]) -> str:
        """Return a signed URL to PUT a key's bytes with exactly these headers."""
        path = self.blobs.path(bucket, key)
        return f"{self.url}{path}?{self.signer.sign('PUT', path, seconds=seconds, headers=headers)}"

    def put(self, bucket: str, key: str, data: bytes, content_type: str) -> None:
        """Store small bytes directly."""
        self.blobs.put(self.blobs.path(bucket, key), data, Representation(content_type))


def _key(database: Database) -> str:
    """Return the key that signs URLs, generated once and kept with the state."""
    database.execute("INSERT OR IGNORE INTO secrets VALUES ('store', ?)", secrets.token_hex(32))
    row = database.one("SELECT value FROM secrets WHERE name = 'store'")
    assert row is not None
    return str(row["value"])

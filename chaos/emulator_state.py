"""State of an emulator, read from its files, since it may have been killed."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.services.artifacts import bucket, object_name, s3_key
from airflow_provider_taskcluster.emulator.services.objects import BUCKET
from airflow_provider_taskcluster.emulator.store.blobs import Blobs

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class StoredObject:
    """An object in the emulator.

    :param finished: Whether its upload is finished, and it can be read.
    :param begun: Whether createUpload was called for it.
    :param content: Its content; None if there is none yet.
    """

    finished: bool
    begun: bool
    content: bytes | None


@dataclass(frozen=True)
class StoredArtifact:
    """An artifact in the emulator.

    :param present: Whether the queue lists it as present.
    :param content: Its content; None if there is none yet.
    """

    present: bool
    content: bytes | None


class EmulatorState:
    """State of one emulator.

    :param folder: The emulator's ``data_dir``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def objects(self) -> dict[str, StoredObject]:
        """Return all objects by name."""
        rows = self._rows("SELECT name, upload_id, hashes FROM objects")
        return {
            name: StoredObject(upload_id is None, hashes != "{}", self._content(BUCKET, name))
            for name, upload_id, hashes in rows
        }

    def artifacts(self) -> dict[str, StoredArtifact]:
        """Return the artifacts of all runs by name."""
        rows = self._rows("SELECT task_id, run_id, name, storage_type, present FROM artifacts")
        return {
            name: self._artifact(task_id, run_id, name, kind, present) for task_id, run_id, name, kind, present in rows
        }

    def upload_ids(self) -> set[str]:
        """Return the ids of unfinished uploads, which give control over them."""
        reserved = (json.loads(details) for (details,) in self._rows("SELECT details FROM artifacts"))
        begun = {upload_id for (upload_id,) in self._rows("SELECT upload_id FROM objects") if upload_id}
        return begun | {details["uploadId"] for details in reserved if details.get("uploadId")}

    def _artifact(self, task_id: str, run_id: int, name: str, kind: str, present: int) -> StoredArtifact:
        if kind == "object":
            return StoredArtifact(bool(present), self._content(BUCKET, object_name(task_id, run_id, name)))
        content = self._content(bucket(name), s3_key(task_id, run_id, name))
        return StoredArtifact(content is not None, content)

    def _content(self, in_bucket: str, key: str) -> bytes | None:
        try:
            return (self._folder / "store" / Blobs.path(in_bucket, key)[1:]).read_bytes()
        except FileNotFoundError:
            return None

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self._folder / "state.sqlite")) as database:
            return database.execute(sql).fetchall()

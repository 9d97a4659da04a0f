"""What an emulator holds, read from its files: it may be dead, and shall not be asked."""

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
class HeldObject:
    """An object.

    :param finished: Its upload is; it can be read.
    :param begun: Somebody has called createUpload for it.
    :param content: Its bytes; None where there are none yet.
    """

    finished: bool
    begun: bool
    content: bytes | None


@dataclass(frozen=True)
class HeldArtifact:
    """An artifact.

    :param present: The queue says that it is there.
    :param content: Its bytes; None where there are none yet.
    """

    present: bool
    content: bytes | None


class Held:
    """The state of one emulator.

    :param folder: Its ``data_dir``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def objects(self) -> dict[str, HeldObject]:
        """Return all objects by name."""
        rows = self._rows("SELECT name, upload_id, hashes FROM objects")
        return {
            name: HeldObject(upload_id is None, hashes != "{}", self._content(BUCKET, name))
            for name, upload_id, hashes in rows
        }

    def artifacts(self) -> dict[str, HeldArtifact]:
        """Return all artifacts by name, of whatever run."""
        rows = self._rows("SELECT task_id, run_id, name, storage_type, present FROM artifacts")
        return {
            name: self._artifact(task_id, run_id, name, kind, present) for task_id, run_id, name, kind, present in rows
        }

    def upload_ids(self) -> set[str]:
        """Return the ids of the uploads that are not finished: who knows one can take the upload over."""
        reserved = (json.loads(details) for (details,) in self._rows("SELECT details FROM artifacts"))
        begun = {upload_id for (upload_id,) in self._rows("SELECT upload_id FROM objects") if upload_id}
        return begun | {details["uploadId"] for details in reserved if details.get("uploadId")}

    def _artifact(self, task_id: str, run_id: int, name: str, kind: str, present: int) -> HeldArtifact:
        if kind == "object":
            return HeldArtifact(bool(present), self._content(BUCKET, object_name(task_id, run_id, name)))
        content = self._content(bucket(name), s3_key(task_id, run_id, name))
        return HeldArtifact(content is not None, content)

    def _content(self, in_bucket: str, key: str) -> bytes | None:
        try:
            return (self._folder / "store" / Blobs.path(in_bucket, key)[1:]).read_bytes()
        except FileNotFoundError:
            return None

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self._folder / "state.sqlite")) as database:
            return database.execute(sql).fetchall()

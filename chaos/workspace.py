"""Workspace of one transfer: its folders, its Taskcluster, and the names that it uses."""

from __future__ import annotations

import base64
import json
import shutil
import uuid
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from .plan import Plan

PROJECT = "chaos"
# Id of the connection, in the environment of the client.
CONNECTION = "chaos"


@dataclass(frozen=True)
class Workspace:
    """Folders, Taskcluster and names of one transfer, passed from process to process.

    :param folder: Contains all files of the transfer.
    :param expires: Expiry of uploads.
    """

    folder: Path
    task_id: str
    expires: datetime
    root_url: str
    client_id: str
    access_token: str = field(repr=False)

    run_id = 0
    object_name = "chaos/object.bin"
    object_prefix = "chaos/folder/"
    artifact_prefix = "public/chaos/"

    @property
    def source(self) -> Path:
        """Files to upload, which nothing damages."""
        return self.folder / "source"

    @property
    def disk(self) -> Path:
        """The client's disk, with destinations, records and temporary files."""
        return self.folder / "disk"

    @property
    def destination(self) -> Path:
        """Destination of downloads."""
        return self.disk / "destination"

    @property
    def records(self) -> Path:
        """Records of uploads."""
        return self.disk / "records"

    @property
    def temporary(self) -> Path:
        """Temporary files of the client."""
        return self.disk / "temporary"

    @property
    def state(self) -> Path:
        """State of the emulator, kept when it is killed."""
        return self.folder / "emulator"

    @property
    def output(self) -> Path:
        """Output of the client in all tries."""
        return self.folder / "output.txt"

    def connection(self, *, read_timeout: float) -> str:
        """Return the connection as JSON for an environment variable."""
        extra: dict[str, Any] = {"project_id": PROJECT, "read_timeout": read_timeout, "max_retries": 3}
        fields = {"host": self.root_url, "login": self.client_id, "password": self.access_token}
        return json.dumps({"conn_type": "taskcluster", **fields, "extra": extra})


def task_id(plan: Plan) -> str:
    """Return the task id of a plan, a v4 slugid."""
    raw = Random(f"{plan.seed}/{plan.number}/task").randbytes(16)
    return base64.urlsafe_b64encode(uuid.UUID(bytes=raw, version=4).bytes).decode().rstrip("=")


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Write files below a folder, replacing its content."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

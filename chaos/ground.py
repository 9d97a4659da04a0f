"""Where one transfer takes place: its folders, its Taskcluster, and the names that it uses there."""

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
class Ground:
    """The place of one transfer; a value that goes from process to process.

    :param folder: Everything of the transfer is below it.
    :param expires: Of what is uploaded.
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
        """Files to upload; nothing happens to them."""
        return self.folder / "source"

    @property
    def disk(self) -> Path:
        """What the client writes to: destinations, records and temporary files are below it."""
        return self.folder / "disk"

    @property
    def destination(self) -> Path:
        """Where downloads go."""
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
        """The emulator's state, which outlives it."""
        return self.folder / "emulator"

    @property
    def output(self) -> Path:
        """What the client has printed, in all tries."""
        return self.folder / "output.txt"

    def connection(self, *, read_timeout: float) -> str:
        """Return the connection as JSON, for the environment."""
        extra: dict[str, Any] = {"project_id": PROJECT, "read_timeout": read_timeout, "max_retries": 3}
        fields = {"host": self.root_url, "login": self.client_id, "password": self.access_token}
        return json.dumps({"conn_type": "taskcluster", **fields, "extra": extra})


def task_id(plan: Plan) -> str:
    """Return the id of the task of a plan, which is a v4 slugid."""
    raw = Random(f"{plan.seed}/{plan.number}/task").randbytes(16)
    return base64.urlsafe_b64encode(uuid.UUID(bytes=raw, version=4).bytes).decode().rstrip("=")


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Write files below a folder, in place of what is there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

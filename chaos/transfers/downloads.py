"""Downloads: of objects, of artifacts, of a payload, and by reading a file."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.fs.filesystem import TaskclusterFileSystem
from chaos.contents import older
from chaos.workspace import CONNECTION, write

from .base import Transfer, below

if TYPE_CHECKING:
    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
    from chaos.emulator_state import EmulatorState


class _Download(Transfer):
    """Base of downloads into the folder ``destination``."""

    def prepare(self, hook: TaskclusterHook) -> None:
        write(self.workspace.destination, older(self.plan))
        self.publish(hook)

    def publish(self, hook: TaskclusterHook) -> None:
        """Create what the transfer downloads."""
        raise NotImplementedError

    def expected_files(self) -> dict[str, bytes]:
        return self.files

    def kept(self, state: EmulatorState) -> int:
        return sum(_recorded(text) for text in _texts(self, ".json") if text)


class DownloadObject(_Download):
    """Download of an object to a path."""

    def publish(self, hook: TaskclusterHook) -> None:
        hook.upload_object(self.content, self.workspace.object_name, expires=self.workspace.expires)

    def move(self, hook: TaskclusterHook) -> None:
        path = self.workspace.destination / self.first
        hook.download_object(self.workspace.object_name, path, connections=self.plan.connections)


class DownloadParts(DownloadObject):
    """Download of a multi-part object to a path."""

    def publish(self, hook: TaskclusterHook) -> None:
        hook.upload_object(
            self.content,
            self.workspace.object_name,
            expires=self.workspace.expires,
            multipart="always",
            part_size=self.plan.part_size,
        )


class DownloadS3Artifact(_Download):
    """Download of an s3 artifact, gzip-encoded or not, to a path."""

    def publish(self, hook: TaskclusterHook) -> None:
        name = self.workspace.artifact_prefix + self.first
        self.run().add(name, self.content, storage_type="s3", gzipped=self.plan.gzipped)

    def move(self, hook: TaskclusterHook) -> None:
        workspace = self.workspace
        hook.download_artifact(
            workspace.task_id,
            workspace.artifact_prefix + self.first,
            workspace.destination / self.first,
            connections=self.plan.connections,
        )


class DownloadPayload(_Download):
    """Download of object and s3 artifacts into one folder."""

    manifest = "taskcluster-payload.json"

    def publish(self, hook: TaskclusterHook) -> None:
        run = self.run()
        for number, (name, content) in enumerate(self.files.items()):
            storage_type = "s3" if number % 3 else "object"
            gzipped = storage_type == "s3" and self.plan.gzipped
            run.add(self.workspace.artifact_prefix + name, content, storage_type=storage_type, gzipped=gzipped)
        run.complete()

    def move(self, hook: TaskclusterHook) -> None:
        payload = hook.open_payload(self.workspace.task_id, prefix=self.workspace.artifact_prefix)
        payload.download(self.workspace.destination, files=self.plan.connections, connections=self.plan.connections)

    def kept(self, state: EmulatorState) -> int:
        noted = [json.loads(line) for text in _texts(self, ".jsonl") for line in text.splitlines() if _whole(line)]
        sizes = {entry["file"]["name"]: entry["file"]["size"] for entry in noted}
        return sum(size for name, size in sizes.items() if (self.workspace.destination / name).exists())


class ReadFile(Transfer):
    """Reading of an object or an s3 artifact as a file of the filesystem."""

    def prepare(self, hook: TaskclusterHook) -> None:
        if self.plan.number % 2:
            self.run().add(f"public/{self.first}", self.content, storage_type="s3", gzipped=self.plan.gzipped)
        else:
            hook.upload_object(self.content, self.workspace.object_name, expires=self.workspace.expires)

    def move(self, hook: TaskclusterHook) -> dict[str, str]:
        """Read the whole file in order, then a piece from its middle."""
        path = f"objects/{self.workspace.object_name}"
        if self.plan.number % 2:
            path = f"artifacts/{self.workspace.task_id}/{self.workspace.run_id}/public/{self.first}"
        fs = TaskclusterFileSystem(CONNECTION, skip_instance_cache=True)
        read = bytearray()
        with fs.open(path, "rb") as file:
            while piece := file.read(self.plan.part_size):
                read += piece
            file.seek(self.plan.size // 2)
            middle = file.read(1000)
        start = self.plan.size // 2
        assert middle == read[start : start + 1000], "a piece from the middle differs from what was read in order"
        return {self.first: hashlib.sha256(read).hexdigest()}


def _texts(transfer: Transfer, suffix: str) -> list[str]:
    """Return the records beside the files of a download."""
    return [
        path.read_text()
        for path in below(transfer.workspace.destination).values()
        if path.name.startswith(".taskcluster-") and path.suffix == suffix
    ]


def _recorded(text: str) -> int:
    """Return the offset in a checkpoint, the size of the partial file beside it."""
    return int(json.loads(text)["offset"]) if _whole(text) else 0


def _whole(text: str) -> bool:
    """Whether a line or a record was written completely."""
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False

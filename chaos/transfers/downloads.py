"""Downloads: of objects, of artifacts, of a payload, and by reading a file."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.fs.filesystem import TaskclusterFileSystem
from chaos.contents import older
from chaos.ground import CONNECTION, write

from .base import Transfer, below

if TYPE_CHECKING:
    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
    from chaos.held import Held


class _Download(Transfer):
    """A download into the folder ``destination``."""

    def prepare(self, hook: TaskclusterHook) -> None:
        write(self.ground.destination, older(self.plan))
        self.publish(hook)

    def publish(self, hook: TaskclusterHook) -> None:
        """Make what is downloaded."""
        raise NotImplementedError

    def expected_files(self) -> dict[str, bytes]:
        return self.files

    def kept(self, held: Held) -> int:
        return sum(_recorded(text) for text in _texts(self, ".json") if text)


class DownloadObject(_Download):
    """An object to a path."""

    def publish(self, hook: TaskclusterHook) -> None:
        hook.upload_object(self.content, self.ground.object_name, expires=self.ground.expires)

    def move(self, hook: TaskclusterHook) -> None:
        path = self.ground.destination / self.first
        hook.download_object(self.ground.object_name, path, connections=self.plan.connections)


class DownloadParts(DownloadObject):
    """An object in parts to a path."""

    def publish(self, hook: TaskclusterHook) -> None:
        hook.upload_object(
            self.content,
            self.ground.object_name,
            expires=self.ground.expires,
            multipart="always",
            part_size=self.plan.part_size,
        )


class DownloadS3Artifact(_Download):
    """An artifact in a bucket, stored as it is or gzip-encoded, to a path."""

    def publish(self, hook: TaskclusterHook) -> None:
        name = self.ground.artifact_prefix + self.first
        self.run().add(name, self.content, storage_type="s3", gzipped=self.plan.gzipped)

    def move(self, hook: TaskclusterHook) -> None:
        ground = self.ground
        hook.download_artifact(
            ground.task_id,
            ground.artifact_prefix + self.first,
            ground.destination / self.first,
            connections=self.plan.connections,
        )


class DownloadPayload(_Download):
    """Artifacts of all sorts into one folder."""

    manifest = "taskcluster-payload.json"

    def publish(self, hook: TaskclusterHook) -> None:
        run = self.run()
        for number, (name, content) in enumerate(self.files.items()):
            storage_type = "s3" if number % 3 else "object"
            gzipped = storage_type == "s3" and self.plan.gzipped
            run.add(self.ground.artifact_prefix + name, content, storage_type=storage_type, gzipped=gzipped)
        run.complete()

    def move(self, hook: TaskclusterHook) -> None:
        payload = hook.open_payload(self.ground.task_id, prefix=self.ground.artifact_prefix)
        payload.download(self.ground.destination, files=self.plan.connections, connections=self.plan.connections)

    def kept(self, held: Held) -> int:
        noted = [json.loads(line) for text in _texts(self, ".jsonl") for line in text.splitlines() if _whole(line)]
        sizes = {entry["file"]["name"]: entry["file"]["size"] for entry in noted}
        return sum(size for name, size in sizes.items() if (self.ground.destination / name).exists())


class ReadFile(Transfer):
    """An object, or an artifact in a bucket, that is read as a file of the filesystem."""

    def prepare(self, hook: TaskclusterHook) -> None:
        if self.plan.number % 2:
            self.run().add(f"public/{self.first}", self.content, storage_type="s3", gzipped=self.plan.gzipped)
        else:
            hook.upload_object(self.content, self.ground.object_name, expires=self.ground.expires)

    def move(self, hook: TaskclusterHook) -> dict[str, str]:
        """Read all of it in order, then a piece from its middle."""
        path = f"objects/{self.ground.object_name}"
        if self.plan.number % 2:
            path = f"artifacts/{self.ground.task_id}/{self.ground.run_id}/public/{self.first}"
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
    found = below(transfer.ground.destination).items()
    return [
        p.read_text() for name, p in found if name.rpartition("/")[2].startswith(".taskcluster-") and p.suffix == suffix
    ]


def _recorded(text: str) -> int:
    """Return how far a record says that the partial file beside it is."""
    return int(json.loads(text)["offset"]) if _whole(text) else 0


def _whole(text: str) -> bool:
    """Whether a line or a record was written to its end."""
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False

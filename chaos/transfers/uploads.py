"""Uploads: of objects, of artifacts, of a folder, and by writing a file."""

from __future__ import annotations

import io
import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.fs.filesystem import TaskclusterFileSystem
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from chaos.ground import CONNECTION, write

from .base import Transfer, pieces

if TYPE_CHECKING:
    from chaos.held import Held

# Enough for every try.
LIFE = timedelta(hours=1)


class _Upload(Transfer):
    """An upload of what is in the folder ``source``."""

    def prepare(self, hook: TaskclusterHook) -> None:
        write(self.ground.source, self.files)

    def expected_objects(self) -> dict[str, bytes]:
        return {self.ground.object_name: self.content}

    def stored(self, held: Held) -> dict[str, bytes | None]:
        found = held.objects()
        return {name: found[name].content for name in self.expected_objects() if name in found and found[name].finished}

    def unexpected(self, held: Held) -> set[str]:
        return set(held.objects()) - set(self.expected_objects())

    def source(self) -> Any:
        """Return the source as one of the kinds that the hook takes."""
        path = self.ground.source / self.first
        return (str(path), self.content, lambda: path.open("rb"), io.BytesIO(self.content))[self.plan.number % 4]

    def hook(self, hook: TaskclusterHook) -> TaskclusterHook:
        """Return the hook, or one whose credentials are new in each try."""
        if not self.plan.keyless:
            return hook
        issued = hook.temporary_credentials(["*"], datetime.now(UTC) + LIFE)
        name = f"AIRFLOW_CONN_{CONNECTION.upper()}"
        connection = json.loads(os.environ[name])
        connection |= {"login": issued.client_id, "password": issued.access_token}
        connection["extra"]["certificate"] = issued.certificate
        os.environ[name] = json.dumps(connection)
        return TaskclusterHook(CONNECTION)


class UploadObject(_Upload):
    """An object in one piece."""

    def move(self, hook: TaskclusterHook) -> None:
        ground = self.ground
        records = str(ground.records) if self.plan.keyless else None
        self.hook(hook).upload_object(
            self.source(), ground.object_name, expires=ground.expires, multipart="never", recorder=records
        )


class UploadParts(_Upload):
    """An object in parts."""

    def move(self, hook: TaskclusterHook) -> None:
        self.hook(hook).upload_object(
            self.source(),
            self.ground.object_name,
            expires=self.ground.expires,
            multipart="always",
            part_size=self.plan.part_size,
            connections=self.plan.connections,
            recorder=str(self.ground.records),
        )

    def stored(self, held: Held) -> dict[str, bytes | None]:
        found, name = held.objects(), self.ground.object_name
        if name not in found or not found[name].finished:
            return {}
        parts = [found.get(part["name"]) for part in json.loads(found[name].content or b"{}")["parts"]]
        if not all(part and part.finished and part.content is not None for part in parts):
            return {name: None}
        return {name: b"".join(part.content or b"" for part in parts if part)}

    def unexpected(self, held: Held) -> set[str]:
        others = super().unexpected(held)
        generations = {name.rpartition("-")[0] for name in others}
        count = max(1, -(-self.plan.size // self.plan.part_size))
        of_us = len(generations) <= 1 and all(".part-" in name for name in others) and len(others) <= count
        return set() if of_us else others

    def kept(self, held: Held) -> int:
        found = (one for name, one in held.objects().items() if ".part-" in name and one.finished)
        return sum(len(one.content or b"") for one in found)


class UploadFolder(_Upload):
    """All files of a folder, each as an object."""

    def move(self, hook: TaskclusterHook) -> None:
        ground = self.ground
        self.hook(hook).upload_folder(
            ground.source,
            ground.object_prefix,
            expires=ground.expires,
            connections=self.plan.connections,
            recorder=str(ground.records) if self.plan.keyless else None,
        )

    def expected_objects(self) -> dict[str, bytes]:
        return {self.ground.object_prefix + name: content for name, content in self.files.items()}

    def kept(self, held: Held) -> int:
        return sum(len(content or b"") for content in self.stored(held).values())


class UploadArtifact(_Upload):
    """An artifact on the object service: the queue tells its upload id once, and a recorder keeps it."""

    storage_type: Any = "object"

    @property
    def name(self) -> str:
        """Of the artifact."""
        return self.ground.artifact_prefix + self.first

    def prepare(self, hook: TaskclusterHook) -> None:
        super().prepare(hook)
        self.run()

    def move(self, hook: TaskclusterHook) -> None:
        ground = self.ground
        hook.upload_artifact(
            self.source(),
            ground.task_id,
            ground.run_id,
            self.name,
            expires=ground.expires,
            storage_type=self.storage_type,
            recorder=str(ground.records),
        )

    def expected_objects(self) -> dict[str, bytes]:
        return {self.name: self.content}

    def stored(self, held: Held) -> dict[str, bytes | None]:
        return {name: found.content for name, found in held.artifacts().items() if found.present}

    def unexpected(self, held: Held) -> set[str]:
        return set(held.artifacts()) - {self.name}

    def may_be_lost(self, held: Held) -> bool:
        """The queue has announced it, and the try that was told the upload id died before it could write that down."""
        announced = [found for found in held.artifacts().values() if not found.present]
        return bool(announced) and not any(found.begun for found in held.objects().values())


class UploadS3Artifact(UploadArtifact):
    """An artifact in a bucket, which can be announced again."""

    storage_type = "s3"

    def may_be_lost(self, held: Held) -> bool:
        return False


class WriteFile(_Upload):
    """An object that is written as a file of the filesystem."""

    def move(self, hook: TaskclusterHook) -> None:
        fs = TaskclusterFileSystem(CONNECTION, expires=self.ground.expires, skip_instance_cache=True)
        path = f"objects/{self.ground.object_name}"
        if self.plan.number % 3 == 0:
            fs.put_file(str(self.ground.source / self.first), path)
            return
        with fs.open(path, "wb") as file:
            for piece in pieces(self.content, 7):
                file.write(piece)

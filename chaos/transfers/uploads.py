"""Uploads: of objects, of artifacts, of a folder, and by writing a file."""

from __future__ import annotations

import io
import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.fs.filesystem import TaskclusterFileSystem
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from chaos.workspace import CONNECTION, write

from .base import Transfer, pieces

if TYPE_CHECKING:
    from chaos.emulator_state import EmulatorState

# Lifetime of temporary credentials, longer than any try.
LIFE = timedelta(hours=1)


class _Upload(Transfer):
    """Base of uploads from the folder ``source``."""

    def prepare(self, hook: TaskclusterHook) -> None:
        write(self.workspace.source, self.files)

    def expected_objects(self) -> dict[str, bytes]:
        return {self.workspace.object_name: self.content}

    def stored(self, state: EmulatorState) -> dict[str, bytes | None]:
        expected = self.expected_objects()
        return {name: each.content for name, each in state.objects().items() if name in expected and each.finished}

    def unexpected(self, state: EmulatorState) -> set[str]:
        return set(state.objects()) - set(self.expected_objects())

    def source(self) -> Any:
        """Return the source as one of the kinds that the hook takes."""
        path = self.workspace.source / self.first
        return (str(path), self.content, lambda: path.open("rb"), io.BytesIO(self.content))[self.plan.number % 4]

    def hook(self, hook: TaskclusterHook) -> TaskclusterHook:
        """Return the hook, or, for a keyless plan, one with new temporary credentials."""
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
    """Upload of an object in a single request."""

    def move(self, hook: TaskclusterHook) -> None:
        workspace = self.workspace
        records = str(workspace.records) if self.plan.keyless else None
        self.hook(hook).upload_object(
            self.source(), workspace.object_name, expires=workspace.expires, multipart="never", recorder=records
        )


class UploadParts(_Upload):
    """Upload of an object in parts."""

    def move(self, hook: TaskclusterHook) -> None:
        self.hook(hook).upload_object(
            self.source(),
            self.workspace.object_name,
            expires=self.workspace.expires,
            multipart="always",
            part_size=self.plan.part_size,
            connections=self.plan.connections,
            recorder=str(self.workspace.records),
        )

    def stored(self, state: EmulatorState) -> dict[str, bytes | None]:
        objects, name = state.objects(), self.workspace.object_name
        if name not in objects or not objects[name].finished:
            return {}
        parts = [objects.get(part["name"]) for part in json.loads(objects[name].content or b"{}")["parts"]]
        if not all(part and part.finished and part.content is not None for part in parts):
            return {name: None}
        return {name: b"".join(part.content or b"" for part in parts if part)}

    def unexpected(self, state: EmulatorState) -> set[str]:
        others = super().unexpected(state)
        generations = {name.rpartition("-")[0] for name in others}
        count = max(1, -(-self.plan.size // self.plan.part_size))
        of_one_upload = len(generations) <= 1 and all(".part-" in name for name in others) and len(others) <= count
        return set() if of_one_upload else others

    def kept(self, state: EmulatorState) -> int:
        parts = (each for name, each in state.objects().items() if ".part-" in name and each.finished)
        return sum(len(part.content or b"") for part in parts)


class UploadFolder(_Upload):
    """Upload of all files of a folder, each as an object."""

    def move(self, hook: TaskclusterHook) -> None:
        workspace = self.workspace
        self.hook(hook).upload_folder(
            workspace.source,
            workspace.object_prefix,
            expires=workspace.expires,
            connections=self.plan.connections,
            recorder=str(workspace.records) if self.plan.keyless else None,
        )

    def expected_objects(self) -> dict[str, bytes]:
        return {self.workspace.object_prefix + name: content for name, content in self.files.items()}

    def kept(self, state: EmulatorState) -> int:
        return sum(len(content or b"") for content in self.stored(state).values())


class UploadArtifact(_Upload):
    """Upload of an object artifact, whose upload id the queue returns only once and a recorder keeps."""

    storage_type: Any = "object"

    @property
    def name(self) -> str:
        """Name of the artifact."""
        return self.workspace.artifact_prefix + self.first

    def prepare(self, hook: TaskclusterHook) -> None:
        super().prepare(hook)
        self.run()

    def move(self, hook: TaskclusterHook) -> None:
        workspace = self.workspace
        hook.upload_artifact(
            self.source(),
            workspace.task_id,
            workspace.run_id,
            self.name,
            expires=workspace.expires,
            storage_type=self.storage_type,
            recorder=str(workspace.records),
        )

    def expected_objects(self) -> dict[str, bytes]:
        return {self.name: self.content}

    def stored(self, state: EmulatorState) -> dict[str, bytes | None]:
        return {name: artifact.content for name, artifact in state.artifacts().items() if artifact.present}

    def unexpected(self, state: EmulatorState) -> set[str]:
        return set(state.artifacts()) - {self.name}

    def may_be_lost(self, state: EmulatorState) -> bool:
        """Whether the artifact exists, but its upload id was lost with the try that received it."""
        announced = [artifact for artifact in state.artifacts().values() if not artifact.present]
        return bool(announced) and not any(each.begun for each in state.objects().values())


class UploadS3Artifact(UploadArtifact):
    """Upload of an s3 artifact, which can be created again."""

    storage_type = "s3"

    def may_be_lost(self, state: EmulatorState) -> bool:
        return False


class WriteFile(_Upload):
    """Upload of an object by writing a file of the filesystem."""

    def move(self, hook: TaskclusterHook) -> None:
        fs = TaskclusterFileSystem(CONNECTION, expires=self.workspace.expires, skip_instance_cache=True)
        path = f"objects/{self.workspace.object_name}"
        if self.plan.number % 3 == 0:
            fs.put_file(str(self.workspace.source / self.first), path)
            return
        with fs.open(path, "wb") as file:
            for piece in pieces(self.content, 7):
                file.write(piece)

"""Publishing what a run leaves: its log while it grows and after, and the artifacts of its payload."""

from __future__ import annotations

import dataclasses
import mimetypes
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.emulator.clock import MINUTE, SECOND, from_json, to_json

from .claiming import ServiceError, attempt
from .livelog import LiveLog
from .simulated import OCTETS, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_provider_taskcluster.emulator.schemas.payloads import CommandPayload, LogNames, PayloadArtifact

    from .claiming import Claim
    from .settings import WorkerSettings
    from .task_log import TaskLog

PLAIN_TEXT = "text/plain; charset=utf-8"
# What a reference to a live log outlives the commands by.
OUTLIVES = 15 * MINUTE
TRIES = 3


class LogArtifacts:
    """The two artifacts of a run's log: live.log, a reference and then a link, and the backing log."""

    def __init__(self, names: LogNames, task_log: TaskLog, settings: WorkerSettings) -> None:
        self._names = names
        self._log = task_log
        self._settings = settings
        self._stream: LiveLog | None = None

    def start(self, claim: Claim, longest_run: int) -> None:
        """Serve the log, and publish the reference to it.

        :param longest_run: ``maxRunTime`` of the payload, in seconds.
        """
        expires = min(claim.started + longest_run * SECOND + OUTLIVES, from_json(claim.definition["expires"]))
        run = dataclasses.replace(claim.run, expires=to_json(expires))
        self._stream = LiveLog(self._log, backlog=self._settings.stream_backlog)
        url = self._stream.url
        self._try(lambda: run.add_reference(self._names.live, url, content_type=PLAIN_TEXT))

    def stop(self) -> None:
        """End the stream, if there is one."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.stop(self._settings.stream_grace_seconds)

    def link(self, run: Run) -> None:
        """Publish a link to the backing log, in place of the reference if there is one."""
        self._try(lambda: run.add_link(self._names.live, self._names.backing, content_type=PLAIN_TEXT))

    def upload(self, run: Run) -> None:
        """Upload the backing log.

        :raises ServiceError: It was refused.
        """
        data = self._log.path.read_bytes()
        attempt(partial(_add, run, self._names.backing, data, PLAIN_TEXT, self._settings, gzipped=True))

    def _try(self, publish: Callable[[], None]) -> None:
        try:
            attempt(publish, tries=TRIES)
        except ServiceError as error:
            self._log.warn(f"Cannot publish {self._names.live}: {error}")


class PayloadArtifacts:
    """Publishes the artifacts of a payload; each fault becomes a message."""

    def __init__(self, payload: CommandPayload, folder: Path, task_log: TaskLog, settings: WorkerSettings) -> None:
        self._payload = payload
        self._folder = folder
        self._log = task_log
        self._settings = settings

    def publish(self, run: Run) -> Iterator[str]:
        """Publish all artifacts, and yield what is missing or cannot be published.

        :raises ServiceError: The queue refused an artifact.
        """
        for artifact in self._payload.artifacts:
            expiring = dataclasses.replace(run, expires=artifact.expires or run.expires)
            yield from self._publish(expiring, artifact)

    def _publish(self, run: Run, artifact: PayloadArtifact) -> Iterator[str]:
        name = artifact.name or artifact.path
        path = (self._folder / artifact.path).resolve()
        if fault := self._fault(artifact, path):
            why, message = fault
            attempt(lambda: run.add_error(name, message, reason=why))
            yield f"TASK FAILURE during artifact upload: {why}: {message}"
        elif artifact.type == "file":
            yield from self._publish_file(run, artifact, name, path)
        else:
            for file in sorted(found for found in path.rglob("*") if found.is_file()):
                yield from self._publish_file(run, artifact, f"{name}/{file.relative_to(path).as_posix()}", file)

    def _fault(self, artifact: PayloadArtifact, path: Path) -> tuple[str, str] | None:
        """Return the reason and message of an error artifact, or None if all is well."""
        if not path.is_relative_to(self._folder.resolve()):
            return "invalid-resource-on-worker", f"{artifact.path!r} is outside the task's folder"
        if not path.exists():
            return "file-missing-on-worker", f"there is no {artifact.type} {artifact.path!r}"
        if path.is_dir() is (artifact.type == "file"):
            return "invalid-resource-on-worker", f"{artifact.path!r} is no {artifact.type}"
        return None

    def _publish_file(self, run: Run, artifact: PayloadArtifact, name: str, path: Path) -> Iterator[str]:
        if name in {self._payload.logs.live, self._payload.logs.backing}:
            self._log.warn(f"Not uploading artifact {name}, since the log has this name")
            return
        self._log.info(f"Uploading artifact {name} from file {path.name}")
        content_type = artifact.contentType or mimetypes.guess_type(path.name)[0] or OCTETS
        gzipped = artifact.contentEncoding != "identity"
        try:
            data = path.read_bytes()
        except OSError as error:
            message = f"cannot read {path.name!r}: {error.strerror}"
            attempt(lambda: run.add_error(name, message, reason="file-not-readable-on-worker"))
            yield f"TASK FAILURE during artifact upload: file-not-readable-on-worker: {message}"
        else:
            attempt(partial(_add, run, name, data, content_type, self._settings, gzipped=gzipped))


def _add(run: Run, name: str, data: bytes, content_type: str, settings: WorkerSettings, *, gzipped: bool) -> None:
    storage_type = settings.storage_type
    gzipped = gzipped and storage_type == "s3"
    run.add(name, data, storage_type=storage_type, content_type=content_type, gzipped=gzipped)

"""The filesystem's operations on paths, through the hook: metadata, listings, reads and writes."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.exceptions import (
    Conflict,
    InsufficientScopes,
    InvalidInput,
    NotFound,
    ReferenceRefused,
    TransferError,
)
from airflow_provider_taskcluster.fs import listing, uploads
from airflow_provider_taskcluster.fs.errors import FileThere, NoSuchFile, missing_is_no_file
from airflow_provider_taskcluster.fs.paths import ARTIFACTS, LATEST, OBJECTS, ArtifactPath, ObjectPath, Root, parse_path
from airflow_provider_taskcluster.transfer.upload.conflict import checked_if_exists

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

    from airflow_provider_taskcluster.fs.listing import Entry
    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
    from airflow_provider_taskcluster.services.schemas import ArtifactInfo
    from airflow_provider_taskcluster.transfer.download.references import AllowReference
    from airflow_provider_taskcluster.transfer.download.stored_file import StoredFile
    from airflow_provider_taskcluster.transfer.model import TransferResult
    from airflow_provider_taskcluster.transfer.progress import Progress
    from airflow_provider_taskcluster.transfer.sink.factory import Destination
    from airflow_provider_taskcluster.transfer.source.factory import Uploadable


@dataclass(frozen=True)
class Backend:
    """One deployment, through one hook. Paths have no scheme and no connection.

    :param expires: When written objects expire, see ``uploads.expiry_and_recorder``.
    :param project_id: Project of written objects; the connection's if None.
    :param allow_reference: Whether to follow URLs that tasks chose: all, none, or those of a list of hosts.
    :param require_hashes: Refuse objects for which the service has no sha256 or sha512.
    """

    hook: TaskclusterHook
    expires: datetime | timedelta | str
    project_id: str | None
    allow_reference: AllowReference
    require_hashes: bool

    def info(self, path: str) -> Entry:
        """Return the metadata of a path. The size of a file is None if the service does not know it.

        :raises NoSuchFile: The path does not exist.
        """
        match parse_path(path):
            case ObjectPath(name=name) if name:
                return self._object(path, name)
            case ArtifactPath(name=name) as parsed if name:
                return self._artifact(path, parsed)
            case ArtifactPath(run=run) as parsed if run:
                self.artifacts(parsed)
            case ArtifactPath(task_id=task_id) if task_id:
                self._runs(task_id)
        return listing.directory_entry(path)

    def entries(self, path: str, artifacts: Sequence[ArtifactInfo] | None = None) -> list[Entry]:
        """List a folder; for a file, return its own entry.

        :param artifacts: All artifacts of the run, if they are known already.
        :raises InvalidInput: The service has no such list.
        """
        match parse_path(path):
            case Root():
                return [listing.directory_entry(OBJECTS), listing.directory_entry(ARTIFACTS)]
            case ObjectPath(name=name) if name:
                return [self._object(path, name)]
            case ObjectPath():
                raise InvalidInput("The object service has no list of its objects: name one")
            case ArtifactPath(run=run) as parsed if run:
                return self._folder(path, parsed, artifacts)
            case ArtifactPath(task_id=task_id) if task_id:
                return [listing.directory_entry(f"{path}/{run['runId']}") for run in self._runs(task_id)]
        raise InvalidInput(f"The queue has no list of its tasks: name one, as {ARTIFACTS}/<taskId>/{LATEST}")

    def artifacts(self, parsed: ArtifactPath) -> list[ArtifactInfo]:
        """Return all artifacts of a run."""
        with missing_is_no_file():
            return self.hook.list_artifacts(parsed.task_id, parsed.run_id)

    def size(self, path: str) -> int | None:
        """Return the size of a file; None if only a download can tell."""
        parsed = _file(path)
        with missing_is_no_file():
            if isinstance(parsed, ObjectPath):
                return self.hook.object_size(parsed.name, require_hashes=self.require_hashes)
            try:
                return self.hook.stored_artifact_length(parsed.task_id, parsed.name, parsed.run_id)
            except ReferenceRefused:
                return None

    def modified(self, path: str) -> datetime:
        """Return when a file was stored.

        :raises TransferError: The store does not tell.
        """
        parsed = _file(path)
        with missing_is_no_file():
            if isinstance(parsed, ObjectPath):
                modified = self.hook.object_modified(parsed.name)
            else:
                modified = self.hook.artifact_modified(
                    parsed.task_id, parsed.name, parsed.run_id, allow_reference=self.allow_reference
                )
        if modified is None:
            raise TransferError(f"When {path!r} was stored is not known: its store does not say (Last-Modified)")
        return modified

    def open(self, path: str) -> StoredFile:
        """Open a file for reading."""
        parsed, hashes = _file(path), self.require_hashes
        with missing_is_no_file():
            if isinstance(parsed, ObjectPath):
                return self.hook.open_object(parsed.name, require_hashes=hashes)
            return self.hook.open_artifact(
                parsed.task_id, parsed.name, parsed.run_id, allow_reference=self.allow_reference, require_hashes=hashes
            )

    def download(
        self, path: str, destination: Destination, on_progress: Callable[[Progress], None] | None = None
    ) -> TransferResult:
        """Download a file, verified."""
        parsed = _file(path)
        options: dict[str, Any] = {"require_hashes": self.require_hashes, "on_progress": on_progress}
        with missing_is_no_file():
            if isinstance(parsed, ObjectPath):
                return self.hook.download_object(parsed.name, destination, **options)
            options["allow_reference"] = self.allow_reference
            return self.hook.download_artifact(parsed.task_id, parsed.name, destination, parsed.run_id, **options)

    def upload(self, source: Uploadable, path: str, *, exclusive: bool = False, **options: Any) -> None:
        """Upload an object.

        :param exclusive: Fail if the object exists.
        :param options: Options of the hook's ``upload_object``.
        :raises FileThere: The object exists, and ``exclusive`` is set.
        """
        name = self.check_writable(path, exclusive=exclusive)
        expires, recorder = uploads.expiry_and_recorder(options.pop("expires", None) or self.expires)
        defaults = {"project_id": self.project_id, "recorder": recorder}
        if exclusive:
            defaults["if_exists"] = "fail"
        try:
            self.hook.upload_object(source, name, expires=expires, **{**defaults, **options})
        except Conflict as conflict:
            if not exclusive:
                raise
            raise FileThere(str(conflict), status=conflict.status, code=conflict.code) from None

    def check_options(self, options: dict[str, Any]) -> None:
        """Check the options of an upload before anything is written.

        :raises InvalidInput: An option does not exist, or its value is invalid.
        """
        if unknown := set(options) - set(inspect.signature(self.hook.upload_object).parameters):
            raise InvalidInput(f"{sorted(unknown)} are no options of a file that is written: see upload_object")
        uploads.expiry_and_recorder(options.get("expires") or self.expires)
        if options.get("content_type"):
            names.content_type(options["content_type"])
        if "if_exists" in options:
            checked_if_exists(options["if_exists"])

    def check_writable(self, path: str, *, exclusive: bool = False) -> str:
        """Check a path before anything is written, and return the name of its object.

        :raises InvalidInput: It is not the path of an object.
        :raises FileThere: The object exists, and ``exclusive`` is set.
        """
        parsed = parse_path(path)
        if not isinstance(parsed, ObjectPath) or not parsed.name:
            raise InvalidInput(f"{path!r} cannot be written: only objects can ({OBJECTS}/<name>)")
        if exclusive and self._exists(parsed.name):
            raise FileThere(f"Object {parsed.name!r} is there already: choose another name")
        return parsed.name

    def _exists(self, name: str) -> bool:
        """Return whether an object exists; False without the scope to look, where ``if_exists="fail"`` tells later."""
        try:
            self.hook.object_metadata(name)
        except (NotFound, InsufficientScopes):
            return False
        return True

    def _object(self, path: str, name: str) -> Entry:
        with missing_is_no_file():
            metadata = self.hook.object_metadata(name)
        details = {"expires": metadata["expires"], "project_id": metadata["projectId"], "hashes": metadata["hashes"]}
        return {"name": path, "size": None, "type": "file", **details}

    def _artifact(self, path: str, parsed: ArtifactPath) -> Entry:
        try:
            return listing.artifact_entry(path, self.hook.artifact_info(parsed.task_id, parsed.name, parsed.run_id))
        except NotFound as error:
            if not any(info["name"].startswith(f"{parsed.name}/") for info in self.artifacts(parsed)):
                raise NoSuchFile(str(error), status=error.status, code=error.code) from None
        return listing.directory_entry(path)

    def _folder(self, path: str, parsed: ArtifactPath, artifacts: Sequence[ArtifactInfo] | None) -> list[Entry]:
        all_artifacts = self.artifacts(parsed) if artifacts is None else artifacts
        run = f"{ARTIFACTS}/{parsed.task_id}/{parsed.run}"
        entries = listing.entries(run, parsed.name, all_artifacts)
        return entries if entries or not parsed.name else [self._artifact(path, parsed)]

    def _runs(self, task_id: str) -> list[Any]:
        with missing_is_no_file():
            return self.hook.task_runs(task_id)


def _file(path: str) -> ObjectPath | ArtifactPath:
    """Return the object or artifact of a path.

    :raises InvalidInput: It is the path of a folder.
    """
    parsed = parse_path(path)
    if isinstance(parsed, Root) or not parsed.name:
        raise InvalidInput(f"{path!r} is a folder: name a file")
    return parsed

"""What the filesystem asks of the hook, by place: facts, lists, content."""

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
from airflow_provider_taskcluster.fs.paths import ARTIFACTS, LATEST, OBJECTS, ArtifactPlace, ObjectPlace, Root, located
from airflow_provider_taskcluster.transfer.upload.conflict import checked_if_exists

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

    from airflow_provider_taskcluster.fs.listing import Entry
    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
    from airflow_provider_taskcluster.services.schemas import ArtifactInfo
    from airflow_provider_taskcluster.transfer.download.opened import StoredFile
    from airflow_provider_taskcluster.transfer.download.references import AllowReference
    from airflow_provider_taskcluster.transfer.model import TransferResult
    from airflow_provider_taskcluster.transfer.progress import Progress
    from airflow_provider_taskcluster.transfer.sink.factory import Destination
    from airflow_provider_taskcluster.transfer.source.factory import Uploadable


@dataclass(frozen=True)
class Remote:
    """One deployment, asked through one hook. Paths are without scheme and connection.

    :param expires: When objects that are written end, see ``uploads.terms``.
    :param project_id: Their project; the connection's if None.
    :param allow_reference: Follow URLs that tasks chose: all, none, or those of some hosts.
    :param require_hashes: Refuse objects for which the service names no sha256 or sha512.
    """

    hook: TaskclusterHook
    expires: datetime | timedelta | str
    project_id: str | None
    allow_reference: AllowReference
    require_hashes: bool

    def look(self, path: str) -> Entry:
        """Return the facts of a path. The size of a file is None where the service does not say.

        :raises NoSuchFile: There is nothing.
        """
        match located(path):
            case ObjectPlace(name=name) if name:
                return self._object(path, name)
            case ArtifactPlace(name=name) as place if name:
                return self._artifact(path, place)
            case ArtifactPlace(run=run) as place if run:
                self.artifacts(place)
            case ArtifactPlace(task_id=task_id) if task_id:
                self._runs(task_id)
        return listing.directory(path)

    def entries(self, path: str, artifacts: Sequence[ArtifactInfo] | None = None) -> list[Entry]:
        """Return what is in a folder; of a file, itself.

        :param artifacts: All artifacts of the run, if they are known already.
        :raises InvalidInput: The service has no such list.
        """
        match located(path):
            case Root():
                return [listing.directory(OBJECTS), listing.directory(ARTIFACTS)]
            case ObjectPlace(name=name) if name:
                return [self._object(path, name)]
            case ObjectPlace():
                raise InvalidInput("The object service has no list of its objects: name one")
            case ArtifactPlace(run=run) as place if run:
                return self._folder(path, place, artifacts)
            case ArtifactPlace(task_id=task_id) if task_id:
                return [listing.directory(f"{path}/{run['runId']}") for run in self._runs(task_id)]
        raise InvalidInput(f"The queue has no list of its tasks: name one, as {ARTIFACTS}/<taskId>/{LATEST}")

    def artifacts(self, place: ArtifactPlace) -> list[ArtifactInfo]:
        """Return all artifacts of a run."""
        with missing_is_no_file():
            return self.hook.list_artifacts(place.task_id, place.run_id)

    def size(self, path: str) -> int | None:
        """Return the length of a file; None where only fetching all of it would tell."""
        place = _file(path)
        with missing_is_no_file():
            if isinstance(place, ObjectPlace):
                return self.hook.object_size(place.name, require_hashes=self.require_hashes)
            try:
                return self.hook.stored_artifact_length(place.task_id, place.name, place.run_id)
            except ReferenceRefused:
                return None

    def modified(self, path: str) -> datetime:
        """Return when a file was stored.

        :raises TransferError: The store does not say.
        """
        place = _file(path)
        with missing_is_no_file():
            if isinstance(place, ObjectPlace):
                found = self.hook.object_modified(place.name)
            else:
                found = self.hook.artifact_modified(
                    place.task_id, place.name, place.run_id, allow_reference=self.allow_reference
                )
        if found is None:
            raise TransferError(f"When {path!r} was stored is not known: its store does not say (Last-Modified)")
        return found

    def open(self, path: str) -> StoredFile:
        """Open the content of a file."""
        place, hashes = _file(path), self.require_hashes
        with missing_is_no_file():
            if isinstance(place, ObjectPlace):
                return self.hook.open_object(place.name, require_hashes=hashes)
            return self.hook.open_artifact(
                place.task_id, place.name, place.run_id, allow_reference=self.allow_reference, require_hashes=hashes
            )

    def download(
        self, path: str, destination: Destination, on_progress: Callable[[Progress], None] | None = None
    ) -> TransferResult:
        """Fetch the content of a file, verified."""
        place = _file(path)
        options: dict[str, Any] = {"require_hashes": self.require_hashes, "on_progress": on_progress}
        with missing_is_no_file():
            if isinstance(place, ObjectPlace):
                return self.hook.download_object(place.name, destination, **options)
            options["allow_reference"] = self.allow_reference
            return self.hook.download_artifact(place.task_id, place.name, destination, place.run_id, **options)

    def upload(self, source: Uploadable, path: str, *, exclusive: bool = False, **options: Any) -> None:
        """Make an object.

        :param exclusive: Fail if there is one.
        :param options: As for the hook's ``upload_object``.
        :raises FileThere: There is one, and it was to be a new one.
        """
        name = self.writable(path, exclusive=exclusive)
        expires, recorder = uploads.terms(options.pop("expires", None) or self.expires)
        defaults = {"project_id": self.project_id, "recorder": recorder}
        if exclusive:
            defaults["if_exists"] = "fail"
        try:
            self.hook.upload_object(source, name, expires=expires, **{**defaults, **options})
        except Conflict as conflict:
            if not exclusive:
                raise
            raise FileThere(str(conflict), status=conflict.status, code=conflict.code) from None

    def check(self, options: dict[str, Any]) -> None:
        """Check options of an upload before anything is written.

        :raises InvalidInput: There is no such option, or it cannot have this value.
        """
        if unknown := set(options) - set(inspect.signature(self.hook.upload_object).parameters):
            raise InvalidInput(f"{sorted(unknown)} are no options of a file that is written: see upload_object")
        uploads.terms(options.get("expires") or self.expires)
        if options.get("content_type"):
            names.content_type(options["content_type"])
        if "if_exists" in options:
            checked_if_exists(options["if_exists"])

    def writable(self, path: str, *, exclusive: bool = False) -> str:
        """Return the name of an object that can be written, before anything is.

        :raises InvalidInput: It is none.
        :raises FileThere: There is one, and it was to be a new one.
        """
        place = located(path)
        if not isinstance(place, ObjectPlace) or not place.name:
            raise InvalidInput(f"{path!r} cannot be written: only objects can ({OBJECTS}/<name>)")
        if exclusive and self._is_there(place.name):
            raise FileThere(f"Object {place.name!r} is there already: choose another name")
        return place.name

    def _is_there(self, name: str) -> bool:
        """Tell whether an object is seen to be there; who may only upload learns it from ``if_exists="fail"``."""
        try:
            self.hook.object_metadata(name)
        except (NotFound, InsufficientScopes):
            return False
        return True

    def _object(self, path: str, name: str) -> Entry:
        with missing_is_no_file():
            found = self.hook.object_metadata(name)
        facts = {"expires": found["expires"], "project_id": found["projectId"], "hashes": found["hashes"]}
        return {"name": path, "size": None, "type": "file", **facts}

    def _artifact(self, path: str, place: ArtifactPlace) -> Entry:
        try:
            return listing.artifact(path, self.hook.artifact_info(place.task_id, place.name, place.run_id))
        except NotFound as error:
            if not any(info["name"].startswith(f"{place.name}/") for info in self.artifacts(place)):
                raise NoSuchFile(str(error), status=error.status, code=error.code) from None
        return listing.directory(path)

    def _folder(self, path: str, place: ArtifactPlace, artifacts: Sequence[ArtifactInfo] | None) -> list[Entry]:
        known = self.artifacts(place) if artifacts is None else artifacts
        run = f"{ARTIFACTS}/{place.task_id}/{place.run}"
        found = listing.entries(run, place.name, known)
        return found if found or not place.name else [self._artifact(path, place)]

    def _runs(self, task_id: str) -> list[Any]:
        with missing_is_no_file():
            return self.hook.task_runs(task_id)


def _file(path: str) -> ObjectPlace | ArtifactPlace:
    """Return the object or artifact of a path.

    :raises InvalidInput: It is a folder in any case.
    """
    place = located(path)
    if isinstance(place, Root) or not place.name:
        raise InvalidInput(f"{path!r} is a folder: name a file")
    return place

"""Content of artifacts: links are followed, with a scope check at every hop, then it depends on the storage type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.clock import HOUR
from airflow_provider_taskcluster.emulator.database import unpack
from airflow_provider_taskcluster.emulator.errors import (
    InputError,
    InternalServerError,
    NoMatchingMethod,
    ResourceExpired,
    ResourceNotFound,
)

from .artifacts import PUBLIC, object_name
from .replies import FailedDependency, Redirect

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.auth.caller import Caller
    from airflow_provider_taskcluster.emulator.context import Context
    from airflow_provider_taskcluster.emulator.database import Row

    from .artifacts import ArtifactService
    from .objects import ObjectService
    from .tasks import TaskService


class ContentService:
    """Locates an artifact's content, as a description or as a redirect."""

    def __init__(
        self, context: Context, tasks: TaskService, artifacts: ArtifactService, objects: ObjectService
    ) -> None:
        self._clock = context.clock
        self._accounts = context.accounts
        self._store = context.store
        self._settings = context.settings
        self._tasks = tasks
        self._artifacts = artifacts
        self._objects = objects

    def artifact(self, caller: Caller, task_id: str, run_id: int, name: str) -> dict[str, Any]:
        """Return the content's URL, or credentials for the object service, or the reason of an error artifact."""
        row = self._follow(caller, task_id, run_id, name)
        details = unpack(row["details"])
        location = {"storageType": row["storage_type"]}
        if row["storage_type"] == "error":
            return {**location, "reason": details["reason"], "message": details["message"]}
        if row["storage_type"] == "object":
            return {**location, **self._object_grant(task_id, run_id, row["name"])}
        return {**location, "url": self._plain_url(row)}

    def latest_artifact(self, caller: Caller, task_id: str, name: str) -> dict[str, Any]:
        """Return the location of the content of an artifact of the last run."""
        return self.artifact(caller, task_id, self._tasks.load(task_id).latest_run_id, name)

    def get_artifact(self, caller: Caller, task_id: str, run_id: int, name: str) -> Redirect | FailedDependency:
        """Redirect to the content; 424 if the artifact is an error."""
        row = self._follow(caller, task_id, run_id, name)
        storage_type = row["storage_type"]
        headers = {"x-taskcluster-artifact-storage-type": storage_type}
        if storage_type == "error":
            details = unpack(row["details"])
            return FailedDependency(details["reason"], details["message"], headers)
        if storage_type == "object":
            url = self._object_url(object_name(task_id, run_id, row["name"]))
        else:
            url = self._plain_url(row)
        return Redirect(url, {"storageType": storage_type, "url": url}, headers)

    def get_latest_artifact(self, caller: Caller, task_id: str, name: str) -> Redirect | FailedDependency:
        """Redirect to the content of an artifact of the last run; 424 if it is an error."""
        caller.require(f"queue:get-artifact:{name}")
        return self.get_artifact(caller, task_id, self._tasks.load(task_id).latest_run_id, name)

    def _follow(self, caller: Caller, task_id: str, run_id: int, name: str) -> Row:
        """Return the artifact at the end of a chain of links."""
        hops: list[str] = []
        while True:
            hops.append(name)
            caller.require(*(f"queue:get-artifact:{hop}" for hop in hops))
            row = self._artifacts.find(task_id, run_id, name)
            if row is None or not row["present"]:
                raise ResourceNotFound("Artifact not found")
            if row["expires"] < self._clock.now():
                raise ResourceExpired("Artifact expired")
            if row["storage_type"] != "link":
                return row
            name = unpack(row["details"])["artifact"]
            if name in hops:
                raise InputError("Artifact leads to a link cycle")

    def _object_grant(self, task_id: str, run_id: int, name: str) -> dict[str, Any]:
        """Issue credentials to download one object; their client id contains the artifact's name, valid or not."""
        stored_name = object_name(task_id, run_id, name)
        credentials = self._accounts.temporary(
            f"artifact-download/{task_id}/{run_id}/{name}",
            [f"object:download:{stored_name}"],
            expiry=self._clock.now() + HOUR,
        )
        return {"name": stored_name, "credentials": credentials}

    def _object_url(self, stored_name: str) -> str:
        try:
            return self._objects.simple_url(stored_name)
        except NoMatchingMethod as error:
            raise InternalServerError(f"the object service refused: {error}") from error

    def _plain_url(self, row: Row) -> str:
        """Return the URL of an s3 or reference artifact.

        The real queue escapes names of public s3 artifacts as browsers do. What browsers leave unescaped breaks the
        schema of the response (square brackets, ``|``), or is read as an escape (``%``).
        """
        details = unpack(row["details"])
        if row["storage_type"] == "reference":
            return str(details["url"])
        if details["bucket"] == PUBLIC:
            if set("[]|") & set(row["name"]):
                raise InternalServerError("the url of the answer is no URI")
            if "%" in row["name"]:
                return self._store.public_url(details["bucket"], details["key"])
        return self._store.get_url(details["bucket"], details["key"], seconds=self._settings.lifetimes.s3)

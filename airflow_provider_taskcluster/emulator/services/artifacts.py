"""Artifacts of the queue: creating, finishing, listing and describing them."""

from __future__ import annotations

import base64
import uuid
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.clock import DAY, MINUTE, SECOND, from_json, to_json
from airflow_provider_taskcluster.emulator.database import pack, unpack
from airflow_provider_taskcluster.emulator.errors import (
    InputError,
    InternalServerError,
    RequestConflict,
    ResourceNotFound,
)
from airflow_provider_taskcluster.emulator.schemas.artifacts import (
    ErrorArtifact,
    LinkArtifact,
    ReferenceArtifact,
    StoredArtifact,
)

from .paging import page

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.auth.caller import Caller
    from airflow_provider_taskcluster.emulator.context import Context
    from airflow_provider_taskcluster.emulator.database import Row
    from airflow_provider_taskcluster.emulator.schemas.artifacts import AnyArtifact, CreateArtifact, FinishArtifact

    from .lifecycle import Task
    from .objects import ObjectService
    from .tasks import TaskService

PUBLIC, PRIVATE = "public-artifacts", "private-artifacts"
AFTER_EXCEPTION = 25 * MINUTE
DRIFT = 15 * MINUTE


def object_name(task_id: str, run_id: int, name: str) -> str:
    """Return the name of an object artifact in the object service."""
    return f"t/{task_id}/{run_id}/{name}"


def slugid() -> str:
    """Return a new random slugid."""
    raw = bytearray(uuid.uuid4().bytes)
    raw[0] &= 0x7F  # never begins with a dash
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def bucket(name: str) -> str:
    """Return the bucket of an s3 artifact."""
    return PUBLIC if name.startswith("public/") else PRIVATE


def s3_key(task_id: str, run_id: int, name: str) -> str:
    """Return the key of an s3 artifact in its bucket."""
    return f"{task_id}/{run_id}/{name}"


class ArtifactService:
    """Artifacts by task, run and name."""

    def __init__(self, context: Context, tasks: TaskService, objects: ObjectService) -> None:
        self._database = context.database
        self._clock = context.clock
        self._accounts = context.accounts
        self._store = context.store
        self._settings = context.settings
        self._tasks = tasks
        self._objects = objects

    def create_artifact(
        self, _: Caller, task_id: str, run_id: int, name: str, request: CreateArtifact
    ) -> dict[str, Any]:
        """Create an artifact; the result says where to upload its content, if it has any."""
        artifact = request.root
        with self._database.transaction():
            task = self._claimed_task(task_id, run_id)
            self._check_times(task, run_id, from_json(artifact.expires))
            details = self._details(task, run_id, name, artifact)
            self._keep(task_id, run_id, name, artifact, details)
        return self._instructions(task, run_id, name, artifact, details)

    def finish_artifact(self, _: Caller, task_id: str, run_id: int, name: str, request: FinishArtifact) -> None:
        """Mark an object artifact as present, once its upload is finished.

        For an artifact created with its length, the real queue publishes a message that breaks its own schema:
        every call responds with 500, though the artifact is present.
        """
        row = self.find(task_id, run_id, name)
        if row is None:
            raise ResourceNotFound(f"Artifact with taskId `{task_id}`, runId {run_id}, name `{name}` not found")
        if row["storage_type"] != "object":
            raise InputError("Only object artifacts can be finished")
        if not row["present"]:
            if unpack(row["details"])["uploadId"] != request.uploadId:
                raise InputError("given uploadId does not match that for the artifact")
            if not self._objects.is_finished(object_name(task_id, run_id, name)):
                raise InputError("Object storing artifact data does not exist")
            self._database.execute(
                "UPDATE artifacts SET present = 1, details = '{}' WHERE task_id = ? AND run_id = ? AND name = ?",
                *(task_id, run_id, name),
            )
        if row["content_length"] is not None:
            raise InternalServerError("artifact-created-message.json knows no contentLength")

    def list_artifacts(
        self,
        _: Caller,
        task_id: str,
        run_id: int,
        continuation_token: str | None = None,
        limit: int | None = None,
    ) -> dict[str, Any]:
        """List the artifacts of a run, in pages; object artifacts are listed before their upload is finished."""
        self._tasks.load(task_id).run(run_id)

        def fetch(after: list[str], count: int) -> list[Row]:
            return self._database.all(
                "SELECT * FROM artifacts WHERE task_id = ? AND run_id = ? AND name > ? ORDER BY name LIMIT ?",
                *(task_id, run_id, *after, count),
            )

        rows, token = page(fetch, lambda row: [row["name"]], start=[""], token=continuation_token, limit=limit)
        listed: dict[str, Any] = {"artifacts": [_describe(row) for row in rows]}
        return {**listed, "continuationToken": token} if token else listed

    def list_latest_artifacts(self, caller: Caller, task_id: str, **paging: Any) -> dict[str, Any]:
        """List the artifacts of the last run."""
        return self.list_artifacts(caller, task_id, self._tasks.load(task_id).latest_run_id, **paging)

    def artifact_info(self, _: Caller, task_id: str, run_id: int, name: str) -> dict[str, Any]:
        """Describe a present artifact; a link is not followed."""
        row = self.find(task_id, run_id, name)
        if row is None or not row["present"]:
            raise ResourceNotFound("Artifact not found")
        return _describe(row)

    def latest_artifact_info(self, caller: Caller, task_id: str, name: str) -> dict[str, Any]:
        """Describe a present artifact of the last run."""
        return self.artifact_info(caller, task_id, self._tasks.load(task_id).latest_run_id, name)

    def find(self, task_id: str, run_id: int, name: str) -> Row | None:
        """Return an artifact's row, present or not."""
        return self._database.one(
            "SELECT * FROM artifacts WHERE task_id = ? AND run_id = ? AND name = ?", task_id, run_id, name
        )

    def _claimed_task(self, task_id: str, run_id: int) -> Task:
        """Return a task whose run was claimed; InputError if there is none."""
        try:
            task = self._tasks.load(task_id)
            run = task.run(run_id)
        except ResourceNotFound as error:
            raise InputError(str(error)) from None
        if "workerId" not in run:
            raise InputError("Run was not claimed by a worker and so no artifacts can exist")
        return task

    def _check_times(self, task: Task, run_id: int, expires: int) -> None:
        now = self._clock.now()
        run = task.run(run_id)
        if expires < now - DRIFT:
            raise InputError("Expires must be in the future")
        if expires > from_json(task.status["expires"]):
            raise InputError(
                f"Artifact expires ({to_json(expires)}) after the task expiration {task.status['expires']} "
                "(task.expires < expires) - this is not allowed"
            )
        late = run["state"] == "exception" and from_json(run["resolved"]) > now - AFTER_EXCEPTION
        if run["state"] != "running" and not late:
            raise RequestConflict(
                "Artifacts cannot be created for a task after it is resolved, unless it is resolved "
                "'exception', and even in this case only up to 25 min past resolution."
            )

    def _details(self, task: Task, run_id: int, name: str, artifact: AnyArtifact) -> dict[str, Any]:
        """Return the details to store for an artifact of its type."""
        if isinstance(artifact, ReferenceArtifact):
            return {"url": artifact.url}
        if isinstance(artifact, LinkArtifact):
            return {"artifact": artifact.artifact}
        if isinstance(artifact, ErrorArtifact):
            return {"reason": artifact.reason, "message": artifact.message}
        if artifact.storageType == "s3":
            return {"bucket": bucket(name), "key": s3_key(task.task_id, run_id, name)}
        return {"uploadId": self._reserve(task, run_id, name, artifact)}

    def _reserve(self, task: Task, run_id: int, name: str, artifact: StoredArtifact) -> str:
        """Reserve the object's name under a new uploadId.

        As at the real queue, a second call for the same artifact is a 500, and so is an apostrophe in its name.
        """
        if "'" in name:
            raise InternalServerError("an apostrophe in the name")
        upload_id = slugid()
        stored_name = object_name(task.task_id, run_id, name)
        try:
            self._objects.reserve(stored_name, task.status["projectId"], upload_id, from_json(artifact.expires))
        except RequestConflict as conflict:
            raise InternalServerError(f"the object service refused: {conflict}") from conflict
        return upload_id

    def _keep(self, task_id: str, run_id: int, name: str, artifact: AnyArtifact, details: dict[str, Any]) -> None:
        before = self.find(task_id, run_id, name)
        content_type = _content_type(artifact)
        if before is not None and not _may_replace(before, artifact, details):
            raise RequestConflict(
                "Artifact already exists with different properties, and none of the allowed exceptions "
                f"apply: {pack(_describe(before))}"
            )
        self._database.execute(
            "INSERT OR REPLACE INTO artifacts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(task_id, run_id, name, artifact.storageType, content_type),
            *(artifact.contentLength if isinstance(artifact, StoredArtifact) else None,),
            *(from_json(artifact.expires), artifact.storageType != "object", pack(details)),
        )

    def _instructions(
        self, task: Task, run_id: int, name: str, artifact: AnyArtifact, details: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the result of createArtifact, which says how to upload the content."""
        if not isinstance(artifact, StoredArtifact):
            return {"storageType": artifact.storageType}
        if artifact.storageType == "object":
            return self._upload_grant(task, run_id, name, artifact, details["uploadId"])
        seconds = self._settings.lifetimes.put_url
        headers = {"Content-Type": artifact.contentType}
        return {
            "storageType": "s3",
            "contentType": artifact.contentType,
            "expires": to_json(self._clock.now() + int(seconds * SECOND)),
            "putUrl": self._store.put_url(details["bucket"], details["key"], seconds=seconds, headers=headers),
        }

    def _upload_grant(
        self, task: Task, run_id: int, name: str, artifact: StoredArtifact, upload_id: str
    ) -> dict[str, Any]:
        """Return the upload's identity, with credentials that cover exactly this object."""
        run = task.run(run_id)
        stored_name, project_id = object_name(task.task_id, run_id, name), task.status["projectId"]
        worker = f"{run['workerGroup']}/{run['workerId']}"
        expires = from_json(artifact.expires)
        return {
            "storageType": "object",
            "name": stored_name,
            "projectId": project_id,
            "uploadId": upload_id,
            "expires": to_json(expires),
            "credentials": self._accounts.temporary(
                f"artifact-upload/{task.task_id}/{run_id}/on/{worker}",
                [f"object:upload:{project_id}:{stored_name}"],
                expiry=min(expires, self._clock.now() + DAY),
            ),
        }


def _describe(row: Row) -> dict[str, Any]:
    description = {
        "storageType": row["storage_type"],
        "name": row["name"],
        "expires": to_json(row["expires"]),
        "contentType": row["content_type"],
    }
    length = row["content_length"]
    return description if length is None else {**description, "contentLength": length}


def _content_type(artifact: AnyArtifact) -> str:
    return "application/json" if isinstance(artifact, ErrorArtifact) else artifact.contentType


def _may_replace(before: Row, artifact: AnyArtifact, details: dict[str, Any]) -> bool:
    """Whether an artifact may replace one: the same, with a later expiry or another URL, or a link a reference."""
    if artifact.storageType != "link" and before["content_type"] != _content_type(artifact):
        return False
    if before["expires"] > from_json(artifact.expires):
        return False
    if before["storage_type"] == artifact.storageType:
        return artifact.storageType == "reference" or unpack(before["details"]) == details
    return (before["storage_type"], artifact.storageType) == ("reference", "link")

"""Tasks by the thousand for tests and benchmarks, created and changed without HTTP, signatures or scopes.

    task_ids = tc.bulk.create(5000, state="running")
    tc.bulk.announce(task_ids, "public/a.txt")      # listed, not there yet
    tc.bulk.finish(task_ids[:10], "public/a.txt")   # there
    tc.bulk.resolve(task_ids[10:20], "failed")

For single tasks, prefer a :class:`~.worker.Worker`, which uses the API.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from .auth.caller import Caller
from .clock import DAY, from_json, to_json
from .database import unpack
from .schemas.artifacts import CreateArtifact, FinishArtifact
from .schemas.objects import CreateUpload, FinishUpload
from .schemas.tasks import CreateTask
from .services.artifacts import object_name, slugid
from .services.lifecycle import UNRESOLVED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .context import Context
    from .services import Services
    from .services.lifecycle import Task

ANYTHING = Caller("emulator/bulk", ["*"])
METADATA = {
    "name": "bulk",
    "description": "One of many tasks for tests",
    "owner": "nobody@example.com",
    "source": "https://example.com/",
}
CONTENT_TYPE = "text/plain"
RESOLUTIONS = ("completed", "failed", "exception")
STATES = (*UNRESOLVED, *RESOLUTIONS)


class Bulk:
    """Operations on many tasks; a call that fails changes none of them."""

    def __init__(self, context: Context, services: Services) -> None:
        self._database = context.database
        self._clock = context.clock
        self._services = services

    def create(self, count: int, *, state: str = "pending", **definition: Any) -> list[str]:
        """Create tasks in a state and return their ids; keyword arguments replace parts of their definition.

        Tasks with unresolved dependencies are unscheduled; do not ask for another state for them.
        """
        if state not in STATES:
            raise ValueError(f"{state!r} is none of {', '.join(STATES)}")
        now = self._clock.now()
        request = CreateTask.model_validate(
            {
                "taskQueueId": "emulator/bulk",
                "payload": {},
                "metadata": METADATA,
                "created": to_json(now),
                "deadline": to_json(now + DAY),
                "expires": to_json(now + 10 * DAY),
                **definition,
            }
        )
        task_ids = [slugid() for _ in range(count)]
        with self._database.transaction():
            for task_id in task_ids:
                self._services.creation.create_task(ANYTHING, task_id, request)
            if state == "running":
                self.claim(task_ids)
            elif state in RESOLUTIONS:
                self.resolve(task_ids, state)
        return task_ids

    def claim(self, task_ids: Iterable[str]) -> None:
        """Claim pending tasks for a worker that keeps them until their deadline."""
        self._change(task_ids, self._claim)

    def resolve(self, task_ids: Iterable[str], state: str = "completed", reason: str | None = None) -> None:
        """End the last runs as "completed", "failed" or "exception", for a reason; pending runs are claimed first.

        The reasons "worker-shutdown" and "intermittent-task" start a new run while retries are left.
        """
        if state not in RESOLUTIONS:
            raise ValueError(f"{state!r} is none of {', '.join(RESOLUTIONS)}")
        reason_resolved = reason or ("internal-error" if state == "exception" else state)

        def resolve(task: Task) -> None:
            if task.state == "pending":
                self._claim(task)
            task.resolve(task.latest_run_id, state, reason_resolved, self._clock.now())

        self._change(task_ids, resolve)

    def rerun(self, task_ids: Iterable[str]) -> None:
        """Make resolved tasks pending again, with all their retries."""

        def rerun(task: Task) -> None:
            task.rerun(self._services.tasks.definition(task.task_id)["retries"], self._clock.now())

        self._change(task_ids, rerun)

    def announce(self, task_ids: Iterable[str], name: str) -> None:
        """Create object artifacts without content in the last runs, which must be running."""
        with self._database.transaction():
            for task in map(self._services.tasks.load, task_ids):
                artifact = {"storageType": "object", "contentType": CONTENT_TYPE, "expires": task.status["expires"]}
                request = CreateArtifact.model_validate(artifact)
                self._services.artifacts.create_artifact(ANYTHING, task.task_id, task.latest_run_id, name, request)

    def finish(self, task_ids: Iterable[str], name: str) -> None:
        """Upload and finish announced object artifacts; their content is the id of their task."""
        with self._database.transaction():
            for task in map(self._services.tasks.load, task_ids):
                self._finish(task, name)

    def _claim(self, task: Task) -> None:
        until = from_json(task.status["deadline"])
        task.claim(worker_group="emulator", worker_id="bulk", until=until, now=self._clock.now())

    def _change(self, task_ids: Iterable[str], change: Callable[[Task], None]) -> None:
        with self._database.transaction():
            for task in map(self._services.tasks.load, task_ids):
                change(task)
                self._services.tasks.save(task)

    def _finish(self, task: Task, name: str) -> None:
        run_id = task.latest_run_id
        row = self._services.artifacts.find(task.task_id, run_id, name)
        if row is None:
            raise LookupError(f"task {task.task_id} has no artifact {name} that was announced")
        data = task.task_id.encode()
        identity = {"projectId": task.status["projectId"], "uploadId": unpack(row["details"])["uploadId"]}
        inline = {"contentType": CONTENT_TYPE, "objectData": base64.b64encode(data).decode()}
        hashes = {algorithm: hashlib.new(algorithm, data).hexdigest() for algorithm in ("sha256", "sha512")}
        created = {**identity, "expires": to_json(row["expires"]), "proposedUploadMethods": {"dataInline": inline}}
        stored_name = object_name(task.task_id, run_id, name)
        self._services.objects.create_upload(ANYTHING, stored_name, CreateUpload.model_validate(created))
        finished = FinishUpload.model_validate({**identity, "hashes": hashes})
        self._services.objects.finish_upload(ANYTHING, stored_name, finished)
        upload = FinishArtifact(uploadId=identity["uploadId"])
        self._services.artifacts.finish_artifact(ANYTHING, task.task_id, run_id, name, upload)

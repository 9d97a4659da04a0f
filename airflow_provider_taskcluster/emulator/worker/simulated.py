"""Simulated worker, which uses the API through the upstream client.

As a library::

    worker = Worker(tc.root_url, credentials)
    run = worker.run_task(artifacts={"public/a.txt": b"..."})     # all at once

    task_id = worker.create_task()                                # or step by step
    run = worker.claim(task_id)
    run.add("public/a.txt", b"...", storage_type="s3", gzipped=True)
    run.complete()

As a command (``python -m airflow_provider_taskcluster.emulator.worker``) it creates a task, prints its id,
waits, publishes files and resolves the task; see ``--help``.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import taskcluster

if TYPE_CHECKING:
    from collections.abc import Mapping

INLINE = 8192
GROUP = "emulator"
# Status codes of a successful PUT: S3 sends the first, nginx the others.
STORED = {http.HTTPStatus.OK, http.HTTPStatus.CREATED, http.HTTPStatus.NO_CONTENT}
OCTETS = "application/octet-stream"


@dataclass(frozen=True)
class Run:
    """A claimed run with its credentials.

    :param expires: When the artifacts that it adds expire, as the API writes it; in 3 days if None.
    """

    task_id: str
    run_id: int
    root_url: str
    credentials: Mapping[str, str] = field(repr=False)
    expires: str | None = None

    @property
    def queue(self) -> Any:
        """A queue client with the run's credentials."""
        return _client(taskcluster.Queue, self.root_url, self.credentials)

    def add(
        self,
        name: str,
        data: bytes,
        *,
        storage_type: str = "object",
        content_type: str = OCTETS,
        gzipped: bool = False,
    ) -> None:
        """Publish an artifact with its content; ``gzipped``, for s3 only, stores it gzip-encoded."""
        length = len(data) if storage_type == "s3" else None
        grant = self.announce(name, storage_type=storage_type, content_type=content_type, length=length)
        if storage_type == "s3":
            encoding = {"Content-Encoding": "gzip"} if gzipped else {}
            put(
                grant["putUrl"],
                gzip.compress(data) if gzipped else data,
                {"Content-Type": content_type, **encoding},
            )
        else:
            self.upload(grant, data, content_type)
            self.finish(name, grant)

    def announce(
        self,
        name: str,
        *,
        storage_type: str = "object",
        content_type: str = OCTETS,
        length: int | None = None,
    ) -> dict[str, Any]:
        """Create an artifact without content; the result says where to upload it.

        As at the real queue, finishing an object artifact with a ``length`` always fails.
        """
        sizes = {} if length is None else {"contentLength": length}
        return self._create(name, {"storageType": storage_type, "contentType": content_type, **sizes})

    def upload(self, grant: Mapping[str, Any], data: bytes, content_type: str = OCTETS) -> None:
        """Upload the content of an object artifact and finish the upload, but not the artifact."""
        service = _client(taskcluster.Object, self.root_url, grant["credentials"])
        hashes = {name: hashlib.new(name, data).hexdigest() for name in ("sha256", "sha512")}
        identity = {"projectId": grant["projectId"], "uploadId": grant["uploadId"]}
        method: dict[str, Any]
        if 0 < len(data) <= INLINE:  # with some stores, empty data leaves a connection of the service open
            method = {"dataInline": {"contentType": content_type, "objectData": base64.b64encode(data).decode()}}
        else:
            method = {"putUrl": {"contentType": content_type, "contentLength": len(data)}}
        request = {**identity, "expires": grant["expires"], "proposedUploadMethods": method}
        granted = service.createUpload(grant["name"], request)["uploadMethod"]
        if "putUrl" in granted:
            put(granted["putUrl"]["url"], data, granted["putUrl"]["headers"])
        service.finishUpload(grant["name"], {**identity, "hashes": hashes})

    def finish(self, name: str, grant: Mapping[str, Any]) -> None:
        """Finish an object artifact, which makes it present."""
        self.queue.finishArtifact(self.task_id, self.run_id, name, {"uploadId": grant["uploadId"]})

    def add_reference(self, name: str, url: str, *, content_type: str = OCTETS) -> None:
        """Publish a reference to any URL."""
        self._create(name, {"storageType": "reference", "url": url, "contentType": content_type})

    def add_link(self, name: str, target: str, *, content_type: str = "application/binary") -> None:
        """Publish a link to another artifact of the run, which need not exist."""
        self._create(name, {"storageType": "link", "artifact": target, "contentType": content_type})

    def add_error(self, name: str, message: str = "no such file", *, reason: str = "file-missing-on-worker") -> None:
        """Publish an error in place of an artifact that could not be created."""
        self._create(name, {"storageType": "error", "reason": reason, "message": message})

    def complete(self) -> dict[str, Any]:
        """Resolve the run as completed and return the task's status."""
        return dict(self.queue.reportCompleted(self.task_id, self.run_id)["status"])

    def fail(self) -> dict[str, Any]:
        """Resolve the run as failed and return the task's status."""
        return dict(self.queue.reportFailed(self.task_id, self.run_id)["status"])

    def exception(self, reason: str = "internal-error") -> dict[str, Any]:
        """Resolve the run as an exception; "worker-shutdown" and "intermittent-task" start a new run."""
        return dict(self.queue.reportException(self.task_id, self.run_id, {"reason": reason})["status"])

    def _create(self, name: str, artifact: dict[str, Any]) -> dict[str, Any]:
        expires = self.expires or taskcluster.fromNowJSON("3 days")
        return dict(self.queue.createArtifact(self.task_id, self.run_id, name, {"expires": expires, **artifact}))


class Worker:
    """Simulated worker with a task queue of its own, so that it claims only its own tasks."""

    def __init__(self, root_url: str, credentials: Mapping[str, str], *, task_queue_id: str | None = None) -> None:
        self.root_url = root_url
        self.task_queue_id = task_queue_id or f"emulator/w{secrets.token_hex(6)}"
        self._credentials = dict(credentials)
        self._claimed: dict[str, Run] = {}

    @property
    def queue(self) -> Any:
        """A queue client with the worker's credentials."""
        return _client(taskcluster.Queue, self.root_url, self._credentials)

    def create_task(self, task_id: str | None = None, **definition: Any) -> str:
        """Create a task for this worker and return its id; keyword arguments replace parts of its definition.

        :param task_id: Id of the task; a new one if None.
        """
        task_id = task_id or str(taskcluster.slugId())
        metadata = {
            "name": "played",
            "description": "A task for tests and demos",
            "owner": "nobody@example.com",
            "source": "https://example.com/",
        }
        fixed = {"taskQueueId": self.task_queue_id, "payload": {}, "metadata": metadata}
        times = {
            "created": taskcluster.fromNowJSON("0 seconds"),
            "deadline": taskcluster.fromNowJSON("1 day"),
            "expires": taskcluster.fromNowJSON("10 days"),
        }
        self.queue.createTask(task_id, {**fixed, **times, **definition})
        return task_id

    def claim(self, task_id: str) -> Run:
        """Claim the pending run of one of this worker's tasks; runs claimed with it are kept for later calls."""
        if task_id not in self._claimed:
            request = {"workerGroup": GROUP, "workerId": "played", "tasks": 32}
            for claim in self.queue.claimWork(self.task_queue_id, request)["tasks"]:
                claimed_id = claim["status"]["taskId"]
                self._claimed[claimed_id] = Run(claimed_id, claim["runId"], self.root_url, claim["credentials"])
        if task_id not in self._claimed:
            raise LookupError(f"task {task_id} has no pending run in {self.task_queue_id}")
        return self._claimed.pop(task_id)

    def run_task(
        self,
        artifacts: Mapping[str, bytes] | None = None,
        *,
        storage_type: str = "object",
        content_type: str = OCTETS,
        **definition: Any,
    ) -> Run:
        """Create a task with these artifacts, complete it, and return its run."""
        run = self.claim(self.create_task(**definition))
        for name, data in (artifacts or {}).items():
            run.add(name, data, storage_type=storage_type, content_type=content_type)
        run.complete()
        return run


def put(url: str, data: bytes, headers: Mapping[str, str]) -> None:
    """PUT bytes to a signed URL; OSError if the store refuses them."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc)
    try:
        connection.request("PUT", f"{parts.path}?{parts.query}", body=data, headers=dict(headers))
        response = connection.getresponse()
        response.read()
    finally:
        connection.close()
    if response.status not in STORED:
        raise OSError(f"PUT {parts.path} was answered by {response.status}")


def _client(service: Any, root_url: str, credentials: Mapping[str, str]) -> Any:
    """Return an upstream client without retries; it gets a copy of the credentials, which it modifies."""
    return service({"rootUrl": root_url, "credentials": dict(credentials), "maxRetries": 0})

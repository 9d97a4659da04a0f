"""The alternative that people use today: client and helpers of the ``taskcluster`` package, doing the same work."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import taskcluster
import taskcluster.download
import taskcluster.upload

if TYPE_CHECKING:
    from collections.abc import Callable

TYPE = "application/octet-stream"


def download_object(name: str, destination: str) -> Callable[[], int]:
    """Download an object to a file."""
    service = _client(taskcluster.Object)
    return lambda: _download(service, name, destination)


def download_artifact(task_id: str, name: str, destination: str) -> Callable[[], int]:
    """Download an artifact to a file."""
    service = _client(taskcluster.Queue)

    def work() -> int:
        with Path(destination).open("wb") as file:
            taskcluster.download.downloadArtifactToFile(file, taskId=task_id, name=name, queueService=service)
            return file.tell()

    return work


def upload_object(name: str, source: str) -> Callable[[], int]:
    """Upload a file to an object."""
    service = _client(taskcluster.Object)
    return lambda: _upload(service, name, source)


def small_objects(names: list[str], source: str, destination: str) -> Callable[[], int]:
    """Upload one small file under many names, then download all of them, one after the other."""
    service = _client(taskcluster.Object)

    def work() -> int:
        moved = sum(_upload(service, name, source) for name in names)
        return moved + sum(_download(service, name, Path(destination, str(i))) for i, name in enumerate(names))

    return work


def download_payload(task_id: str, destination: str) -> Callable[[], int]:
    """Download all artifacts of a task into a folder, one after the other."""
    service = _client(taskcluster.Queue)

    def work() -> int:
        moved = 0
        for name in _names(service, task_id):
            path = Path(destination, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                taskcluster.download.downloadArtifactToFile(file, taskId=task_id, name=name, queueService=service)
                moved += file.tell()
        return moved

    return work


def json_calls(name: str, count: int) -> Callable[[], int]:
    """Make many metadata calls."""
    service = _client(taskcluster.Object)

    def work() -> int:
        for _ in range(count):
            service.object(name)
        return 0

    return work


def _names(service: Any, task_id: str) -> list[str]:
    names: list[str] = []
    query: dict[str, str] = {}
    while True:
        page = service.listLatestArtifacts(task_id, query=query)
        names += [artifact["name"] for artifact in page["artifacts"]]
        if "continuationToken" not in page:
            return names
        query = {"continuationToken": page["continuationToken"]}


def _download(service: Any, name: str, destination: str | Path) -> int:
    with Path(destination).open("wb") as file:
        taskcluster.download.downloadToFile(file, name=name, objectService=service)
        return file.tell()


def _upload(service: Any, name: str, source: str) -> int:
    size = Path(source).stat().st_size
    with Path(source).open("rb") as file:
        taskcluster.upload.uploadFromFile(
            file=file,
            objectService=service,
            projectId=os.environ["BENCHMARK_PROJECT"],
            name=name,
            contentType=TYPE,
            contentLength=size,
            expires=taskcluster.fromNow("1 day"),
        )
    return size


def _client(kind: Any) -> Any:
    client = kind(taskcluster.optionsFromEnvironment())
    client.ping()
    return client

"""This provider, through its hook, as a DAG author uses it.

Before the clock starts, a ping loads what is loaded on first use; the connections it opened are closed again.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

if TYPE_CHECKING:
    from collections.abc import Callable

# Loaded by the package when they are needed, here before the clock runs.
ENGINE = "airflow_provider_taskcluster.transfer"
PART = 64 << 20
CONNECTION = "AIRFLOW_CONN_TASKCLUSTER_DEFAULT"
LAZY = (
    "requests",
    "tenacity",
    f"{ENGINE}.artifact",
    f"{ENGINE}.download",
    f"{ENGINE}.upload",
    f"{ENGINE}.multipart_upload",
    f"{ENGINE}.payload.payload",
    f"{ENGINE}.recorder",
    f"{ENGINE}.upload_identity",
)


def download_object(name: str, destination: str, connections: int | None = None) -> Callable[[], int]:
    """An object to a file; ``connections`` in parallel, or as many as the engine thinks right."""
    hook = _hook()
    options: dict[str, Any] = {} if connections is None else {"connections": connections}
    return lambda: hook.download_object(name, destination, **options).size


def download_object_unsynced(name: str, destination: str) -> Callable[[], int]:
    """An object to a file that power loss may take away."""
    hook = _hook(durable=False)
    return lambda: hook.download_object(name, destination).size


def takes_connections() -> Callable[[], int]:
    """1 if the number of connections can be set, else 0."""
    return lambda: int("connections" in inspect.signature(TaskclusterHook.download_object).parameters)


def download_artifact(task_id: str, name: str, destination: str) -> Callable[[], int]:
    """An artifact to a file."""
    hook = _hook()
    return lambda: hook.download_artifact(task_id, name, destination).size


def upload_object(name: str, source: str) -> Callable[[], int]:
    """A file to an object."""
    hook = _hook()
    expires = _tomorrow()
    return lambda: hook.upload_object(source, name, expires=expires).size


def upload_in_parts(name: str, source: str) -> Callable[[], int]:
    """A file to an object, in parts of 64 MiB."""
    hook = _hook()
    expires = _tomorrow()
    return lambda: hook.upload_object(source, name, expires=expires, multipart="always", part_size=PART).size


def round_trip(name: str, source: str, destination: str) -> Callable[[], int]:
    """A file up, in parts, and down again."""
    hook = _hook()
    expires = _tomorrow()

    def work() -> int:
        up = hook.upload_object(source, name, expires=expires, multipart="always")
        down = hook.download_object(name, destination)
        assert (up.method, up.digests) == ("multipart", down.digests), "it came back as something else"
        return down.size

    return work


def small_objects(names: list[str], source: str, destination: str) -> Callable[[], int]:
    """One small file up under many names, then all of them down, one after the other."""
    hook = _hook()
    expires = _tomorrow()

    def work() -> int:
        moved = 0
        for name in names:
            moved += hook.upload_object(source, name, expires=expires).size
        for number, name in enumerate(names):
            moved += hook.download_object(name, Path(destination, str(number))).size
        return moved

    return work


def download_payload(task_id: str, destination: str) -> Callable[[], int]:
    """All artifacts of a task into a folder."""
    hook = _hook()
    return lambda: sum(file.size for file in hook.open_payload(task_id).download(destination).files)


def download_payload_unsynced(task_id: str, destination: str) -> Callable[[], int]:
    """All artifacts of a task into a folder, which power loss may take away."""
    hook = _hook(durable=False)
    return lambda: sum(file.size for file in hook.open_payload(task_id).download(destination).files)


def list_payload(task_id: str) -> Callable[[], int]:
    """Go through the list of the artifacts of a task; how many there are."""
    hook = _hook()
    return lambda: sum(1 for _ in hook.open_payload(task_id).files())


def json_calls(name: str, count: int) -> Callable[[], int]:
    """Many calls without bytes."""
    hook = _hook()

    def work() -> int:
        for _ in range(count):
            hook.object_metadata(name)
        return 0

    return work


def _hook(*, durable: bool = True) -> TaskclusterHook:
    connection = json.loads(os.environ[CONNECTION])
    connection["extra"]["durable"] = durable
    os.environ[CONNECTION] = json.dumps(connection)
    for module in LAZY:
        importlib.import_module(module)
    hook = TaskclusterHook()
    hook.ping()
    hook.close()
    return hook


def _tomorrow() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)

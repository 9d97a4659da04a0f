"""This provider, used through its hook as a DAG author does.

Before the clock starts, modules that the package loads on first use are loaded; the connections of a ping, which
loads the rest, are closed again.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

from .limits import file_logger

if TYPE_CHECKING:
    from collections.abc import Callable

ENGINE = "airflow_provider_taskcluster.transfer"
LAZY = ("urllib3",)
PART = 64 << 20
CONNECTION = "AIRFLOW_CONN_TASKCLUSTER_DEFAULT"


def download_object(name: str, destination: str, connections: int | None = None) -> Callable[[], int]:
    """Download an object to a file, over ``connections`` or as many connections as the engine chooses."""
    hook = _hook()
    options: dict[str, Any] = {} if connections is None else {"connections": connections}
    return lambda: hook.download_object(name, destination, **options).size


def download_object_unsynced(name: str, destination: str) -> Callable[[], int]:
    """Download an object to a file without syncing it to the disk."""
    hook = _hook(durable=False)
    return lambda: hook.download_object(name, destination).size


def download_artifact(task_id: str, name: str, destination: str) -> Callable[[], int]:
    """Download an artifact to a file."""
    hook = _hook()
    return lambda: hook.download_artifact(task_id, name, destination).size


def upload_object(name: str, source: str) -> Callable[[], int]:
    """Upload a file to an object."""
    hook = _hook()
    expires = _tomorrow()
    return lambda: hook.upload_object(source, name, expires=expires).size


def upload_in_parts(name: str, source: str) -> Callable[[], int]:
    """Upload a file to an object in parts of 64 MiB."""
    hook = _hook()
    expires = _tomorrow()
    return lambda: hook.upload_object(source, name, expires=expires, multipart="always", part_size=PART).size


def round_trip(name: str, source: str, destination: str) -> Callable[[], int]:
    """Upload a file in parts, and download it again."""
    hook = _hook()
    expires = _tomorrow()

    def work() -> int:
        up = hook.upload_object(source, name, expires=expires, multipart="always")
        down = hook.download_object(name, destination)
        assert (up.method, up.digests) == ("multipart", down.digests), "it came back as something else"
        return down.size

    return work


def small_objects(names: list[str], source: str, destination: str) -> Callable[[], int]:
    """Upload one small file under many names, then download all of them, one after the other."""
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


def download_payload(task_id: str, destination: str, connections: int | None = None) -> Callable[[], int]:
    """Download all artifacts of a task into a folder, as many at once as there are ``connections``."""
    hook = _hook()
    options: dict[str, Any] = {} if connections is None else {"connections": connections, "files": connections}
    return lambda: sum(file.size for file in hook.open_payload(task_id).download(destination, **options).files)


def download_payload_unsynced(task_id: str, destination: str) -> Callable[[], int]:
    """Download all artifacts of a task into a folder without syncing them to the disk."""
    hook = _hook(durable=False)
    return lambda: sum(file.size for file in hook.open_payload(task_id).download(destination).files)


def list_payload(task_id: str) -> Callable[[], int]:
    """List the artifacts of a task and return their number."""
    hook = _hook()
    return lambda: sum(1 for _ in hook.open_payload(task_id).files())


def follow_log(task_id: str, live_url: str, source: str, destination: str) -> Callable[[], int]:
    """Follow the log of a task into a file, by way of ``logging``."""
    del live_url, source
    hook = _hook()
    log = file_logger(destination)

    def work() -> int:
        for line in hook.task_log(task_id, interval=1):
            log.info("%s", line)
        return Path(destination).stat().st_size

    return work


def json_calls(name: str, count: int) -> Callable[[], int]:
    """Make many metadata calls."""
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
    for name in LAZY:
        importlib.import_module(name)
    engine = importlib.import_module(ENGINE)
    for module in pkgutil.walk_packages(engine.__path__, f"{ENGINE}."):
        importlib.import_module(module.name)
    hook = TaskclusterHook()
    hook.ping()
    hook.close()
    return hook


def _tomorrow() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)

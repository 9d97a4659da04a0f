"""A first download in a process that has imported what Airflow imports to run a task; the clock includes the imports.

Both clients are imported inside the work, with all that they need.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# The process of a task is forked from its supervisor.
AIRFLOW = ("airflow.sdk.execution_time.supervisor", "airflow.sdk.execution_time.task_runner")


def ours(name: str, destination: str) -> Callable[[], int]:
    """Download an object with this provider."""
    _import_airflow()

    def work() -> int:
        from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

        return TaskclusterHook().download_object(name, destination).size

    return work


def peer(name: str, destination: str) -> Callable[[], int]:
    """Download an object with the ``taskcluster`` package."""
    _import_airflow()

    def work() -> int:
        import taskcluster
        import taskcluster.download

        service = taskcluster.Object(taskcluster.optionsFromEnvironment())
        with Path(destination).open("wb") as file:
            taskcluster.download.downloadToFile(file, name=name, objectService=service)
            return file.tell()

    return work


def _import_airflow() -> None:
    for module in AIRFLOW:
        importlib.import_module(module)

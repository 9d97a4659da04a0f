"""The pages of Taskcluster's UI (routes of its ``ui/src/App/routes.jsx``), and of its API where the UI has none.

An address holds no signature: the browser's own login in Taskcluster decides what it may see.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import taskcluster_urls

from airflow_provider_taskcluster import names
from airflow_provider_taskcluster.arguments import run_number, text
from airflow_provider_taskcluster.links.base import TaskclusterLink


class TaskclusterTaskLink(TaskclusterLink):
    """The page of a task; of one run of it, where the arguments name one."""

    name = "Taskcluster task"
    key = "taskcluster_task_link"

    def url(self, root_url: str, task: Any) -> str:
        """See the base class."""
        return _page(root_url, "tasks", _task_id(task), *_run(task))


class TaskclusterArtifactLink(TaskclusterLink):
    """The bytes of an artifact.

    The UI leads to artifacts of a numbered run. Those of the latest run are at the queue, which redirects anybody to
    public ones; of others it answers only signed requests, so that there the page of the task must do.
    """

    name = "Taskcluster artifact"
    key = "taskcluster_artifact_link"

    def url(self, root_url: str, task: Any) -> str:
        """See the base class."""
        task_id, run, name = _task_id(task), _run(task), names.artifact_name(text(task.name, "name"))
        if run:
            return _page(root_url, "tasks", task_id, *run, name)
        if name.startswith("public/"):
            return _api(root_url, "queue", "task", task_id, "artifacts", name)
        return _page(root_url, "tasks", task_id)


class TaskclusterObjectLink(TaskclusterLink):
    """The bytes of an object. The UI has no page of objects; the object service redirects whom the scopes allow."""

    name = "Taskcluster object"
    key = "taskcluster_object_link"

    def url(self, root_url: str, task: Any) -> str:
        """See the base class."""
        return _api(root_url, "object", "download", names.object_name(text(task.name, "name")))


class TaskclusterPurgeCachesLink(TaskclusterLink):
    """The page of all open purge requests."""

    name = "Taskcluster purge requests"
    key = "taskcluster_purge_caches_link"

    def url(self, root_url: str, task: Any) -> str:  # noqa: ARG002 (one page for all pools)
        """See the base class."""
        return _page(root_url, "purge-caches")


def _task_id(task: Any) -> str:
    return names.task_id(text(task.taskcluster_task_id, "taskcluster_task_id"))


def _run(task: Any) -> tuple[str, ...]:
    """Return the end of the path to a run, nothing for the latest."""
    number = run_number(task.run_id)
    return () if number is None else ("runs", str(number))


def _page(root_url: str, *path: str) -> str:
    return str(taskcluster_urls.ui(root_url, _joined(path)))


def _api(root_url: str, service: str, *path: str) -> str:
    return str(taskcluster_urls.api(root_url, service, "v1", _joined(path)))


def _joined(path: tuple[str, ...]) -> str:
    return "/".join(quote(segment, safe="") for segment in path)

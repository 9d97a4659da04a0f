"""Links to Taskcluster's UI (the routes of its ``ui/src/App/routes.jsx``), and to its API where the UI has no page.

The URLs are not signed: access depends on the browser's own login in Taskcluster.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import taskcluster_urls
from airflow.providers.common.compat.sdk import BaseSensorOperator

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.arguments import name_list, run_number, text
from airflow_provider_taskcluster.links.base import TaskclusterLink


class TaskclusterTaskLink(TaskclusterLink):
    """The page of a task, or of a run if the arguments name one. For several tasks there is no link."""

    name = "Taskcluster task"
    key = "taskcluster_task_link"

    def url(self, root_url: str, task: Any) -> str | None:
        """See the base class."""
        task_id = _one(task, "taskcluster_task_id")
        return task_id and _page(root_url, "tasks", names.task_id(task_id), *_run(task))


class TaskclusterTaskGroupLink(TaskclusterLink):
    """The page of a task group."""

    name = "Taskcluster task group"
    key = "taskcluster_task_group_link"

    def url(self, root_url: str, task: Any) -> str:
        """See the base class."""
        return _page(root_url, "tasks", "groups", names.task_id(text(task.task_group_id, "task_group_id")))


class TaskclusterIndexLink(TaskclusterLink):
    """The page of the task at a path of the index."""

    name = "Taskcluster index"
    key = "taskcluster_index_link"

    def url(self, root_url: str, task: Any) -> str:
        """See the base class."""
        namespace, _, last = names.index_path(text(task.index_path, "index_path")).rpartition(".")
        return _page(root_url, "tasks", "index", *([namespace] if namespace else []), last)


class TaskclusterArtifactLink(TaskclusterLink):
    """An artifact.

    The UI has pages for the artifacts of a numbered run. For the latest run, the link of a public artifact leads to the
    queue, which redirects to the content. For other artifacts the queue needs signed requests, so their link leads to
    the page of the task.
    """

    name = "Taskcluster artifact"
    key = "taskcluster_artifact_link"

    def url(self, root_url: str, task: Any) -> str | None:
        """See the base class."""
        name, run = _one(task, "name"), _run(task)
        if name is None:
            return None
        task_id, name = names.task_id(text(task.taskcluster_task_id, "taskcluster_task_id")), names.artifact_name(name)
        if run:
            return _page(root_url, "tasks", task_id, *run, name)
        if name.startswith("public/"):
            return _api(root_url, "queue", "task", task_id, "artifacts", name)
        return _page(root_url, "tasks", task_id)


class TaskclusterObjectLink(TaskclusterLink):
    """The content of an object: the UI has no page for it, and the object service redirects if the scopes allow it."""

    name = "Taskcluster object"
    key = "taskcluster_object_link"

    def url(self, root_url: str, task: Any) -> str | None:
        """See the base class."""
        name = _one(task, "name")
        return name and _api(root_url, "object", "download", names.object_name(name))


class TaskclusterHookLink(TaskclusterLink):
    """The page of a hook."""

    name = "Taskcluster hook"
    key = "taskcluster_hook_link"

    def url(self, root_url: str, task: Any) -> str:
        """See the base class."""
        group, hook = text(task.hook_group_id, "hook_group_id"), text(task.hook_id, "hook_id")
        return _page(root_url, "hooks", names.hook_group_id(group), names.hook_id(hook))


class TaskclusterPurgeCachesLink(TaskclusterLink):
    """The page of all open purge requests."""

    name = "Taskcluster purge requests"
    key = "taskcluster_purge_caches_link"

    def url(self, root_url: str, task: Any) -> str:  # noqa: ARG002 (one page for all pools)
        """See the base class."""
        return _page(root_url, "purge-caches")


def _one(task: Any, field: str) -> str | None:
    """Return the name in an argument, None if it is a list of several."""
    argument = getattr(task, field)
    may_be_list = isinstance(task, BaseSensorOperator) or field == "taskcluster_task_id"
    given = name_list(argument, field) if may_be_list else [text(argument, field)]
    return given[0] if len(given) == 1 else None


def _run(task: Any) -> tuple[str, ...]:
    """Return the path segments of the run, none for the latest run."""
    number = run_number(getattr(task, "run_id", None))
    return () if number is None else ("runs", str(number))


def _page(root_url: str, *path: str) -> str:
    return str(taskcluster_urls.ui(root_url, _joined(path)))


def _api(root_url: str, service: str, *path: str) -> str:
    return str(taskcluster_urls.api(root_url, service, "v1", _joined(path)))


def _joined(path: tuple[str, ...]) -> str:
    return "/".join(quote(segment, safe="") for segment in path)

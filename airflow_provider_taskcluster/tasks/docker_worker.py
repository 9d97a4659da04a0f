"""Payloads of tasks for docker-worker. Pure.

The fields are those that the worker publishes. Templates and XComs are kept as they are: an operator renders them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.checks import needs_rendering
from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.tasks.payload_artifacts import directory_artifact, file_artifact
from airflow_provider_taskcluster.tasks.payload_fields import (
    absolute_path,
    any_text,
    dict_reader,
    exit_statuses,
    filled_text,
    given_fields,
    helper_result,
    is_rendered_whole,
    list_reader,
    published_name,
    run_time,
    switch,
)

if TYPE_CHECKING:
    from datetime import timedelta

__all__ = ["directory_artifact", "docker_worker_payload", "file_artifact", "indexed_image", "task_image"]

_OF_ARTIFACTS = {"type", "path", "expires"}


def docker_worker_payload(
    image: str | Mapping[str, str],
    command: Sequence[str] = (),
    *,
    max_run_time: int | timedelta | str,
    env: Mapping[str, str] | None = None,
    artifacts: Sequence[Mapping[str, Any]] = (),
    caches: Mapping[str, str] | None = None,
    features: Mapping[str, bool] | None = None,
    capabilities: Mapping[str, Any] | None = None,
    on_exit_status: Mapping[str, Sequence[int]] | None = None,
    log: str | None = None,
) -> dict[str, Any]:
    """Return the payload of a task that runs a command in a container.

    :param image: Name of an image in a registry, or what ``task_image`` or ``indexed_image`` returned.
    :param command: A program and its arguments, a list of texts; by default the command of the image.
    :param max_run_time: Seconds, or a timedelta, after which the worker ends the task as failed. A template must render
        to a number (``render_template_as_native_obj=True``).
    :param env: Environment variables; their values are texts.
    :param artifacts: What ``file_artifact`` and ``directory_artifact`` returned, with absolute paths and with names.
    :param caches: Paths in the container by the name of the cache. Scope of the task: ``docker-worker:cache:<name>``.
    :param features: Features of the worker that are turned on or off by name, such as ``{"taskclusterProxy": True}``.
        Names are not checked: they depend on the version of the worker.
    :param capabilities: ``{"privileged": True}``, or ``{"devices": {"kvm": True}}``.
    :param on_exit_status: Exit statuses after which the queue runs the task again (``retry``) or the worker purges the
        caches of the task (``purgeCaches``).
    :param log: Name of the artifact that holds the log; by default ``public/logs/live.log``.
    :raises InvalidInput: An argument is invalid.
    """
    return {
        "image": dict_reader(filled_text)(image, "image")
        if isinstance(image, Mapping)
        else filled_text(image, "image"),
        "maxRunTime": run_time(max_run_time, "max_run_time"),
    } | given_fields(
        {
            "command": (list_reader(any_text), command, "command"),
            "env": (dict_reader(any_text), env, "env"),
            "artifacts": (_artifacts, artifacts, "artifacts"),
            "cache": (dict_reader(absolute_path), caches, "caches"),
            "features": (dict_reader(switch), features, "features"),
            "capabilities": (dict_reader(_capability), capabilities, "capabilities"),
            "onExitStatus": (exit_statuses(least=0), on_exit_status, "on_exit_status"),
            "log": (published_name, log, "log"),
        }
    )


def task_image(task_id: str, path: str) -> dict[str, str]:
    """Return an image that a task published as an artifact.

    :param task_id: ID of a Taskcluster task.
    :param path: Name of the artifact, such as ``public/image.tar.zst``.
    :raises InvalidInput: An argument is invalid.
    """
    if not needs_rendering(task_id):
        names.task_id(task_id)
    return {"type": "task-image", "taskId": task_id, "path": published_name(path, "path")}


def indexed_image(namespace: str, path: str) -> dict[str, str]:
    """Return an image that a task published which is indexed when the worker begins.

    :param namespace: The index path, such as ``my-team.images.build``.
    :param path: Name of the artifact, such as ``public/image.tar.zst``.
    :raises InvalidInput: An argument is invalid.
    """
    if not needs_rendering(namespace):
        names.index_path(namespace)
    return {"type": "indexed-image", "namespace": namespace, "path": published_name(path, "path")}


def _artifacts(value: Any, argument: str) -> Any:
    """Return the artifacts by their name, as docker-worker takes them."""
    artifacts = list_reader(_artifact)(value, argument)
    if is_rendered_whole(artifacts):
        return artifacts
    by_name = dict(artifacts)
    if len(by_name) < len(artifacts):
        raise InvalidInput(f"{argument} has a name twice: docker-worker publishes one artifact under each name")
    return by_name


def _artifact(value: Any, argument: str) -> tuple[str, dict[str, Any]]:
    fields = dict(value) if isinstance(helper_result(value, argument), Mapping) else {}
    name = fields.pop("name", None)
    if not isinstance(name, str) or needs_rendering(name):
        raise InvalidInput(f"{argument} needs a name without templates: Airflow renders none in the keys of a dict")
    absolute_path(fields.get("path"), f"{argument}.path")
    if unknown := sorted(fields.keys() - _OF_ARTIFACTS):
        raise InvalidInput(f"{argument} has {unknown[0]}, which generic-worker alone knows: leave it out")
    return name, fields


def _capability(value: Any, argument: str) -> Any:
    return dict_reader(switch)(value, argument) if isinstance(value, Mapping) else switch(value, argument)

"""Payloads of tasks for generic-worker on Linux and macOS. Pure.

The fields are those that the worker publishes. Templates and XComs are kept as they are: an operator renders them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.tasks.mounts import (
    artifact_content,
    cache_mount,
    directory_mount,
    file_mount,
    indexed_content,
    inline_content,
    url_content,
)
from airflow_provider_taskcluster.tasks.payload_artifacts import directory_artifact, file_artifact
from airflow_provider_taskcluster.tasks.payload_fields import (
    any_text,
    dict_reader,
    exit_statuses,
    given_fields,
    helper_result,
    is_rendered_whole,
    list_reader,
    published_name,
    run_time,
    switch,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

__all__ = [
    "artifact_content",
    "cache_mount",
    "directory_artifact",
    "directory_mount",
    "file_artifact",
    "file_mount",
    "generic_worker_payload",
    "indexed_content",
    "inline_content",
    "url_content",
]

_HINT = "pass a list of texts, such as ['/bin/bash', '-c', 'make test']; the worker starts no shell by itself"


def generic_worker_payload(
    *commands: Sequence[str],
    max_run_time: int | timedelta | str,
    env: Mapping[str, str] | None = None,
    mounts: Sequence[Mapping[str, Any]] = (),
    artifacts: Sequence[Mapping[str, Any]] = (),
    features: Mapping[str, bool] | None = None,
    on_exit_status: Mapping[str, Sequence[int]] | None = None,
    logs: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the payload of a task that runs commands one after the other until one fails.

    :param commands: Each a program and its arguments, a list of texts. No shell reads them.
    :param max_run_time: Seconds, or a timedelta, after which the worker ends the task as failed. A template must render
        to a number (``render_template_as_native_obj=True``).
    :param env: Environment variables; their values are texts.
    :param mounts: What ``file_mount``, ``directory_mount`` and ``cache_mount`` returned.
    :param artifacts: What ``file_artifact`` and ``directory_artifact`` returned.
    :param features: Features of the worker that are turned on or off by name, such as ``{"taskclusterProxy": True}``.
        Names are not checked: they depend on the version of the worker.
    :param on_exit_status: Exit statuses, 1 or more, after which the queue runs the task again (``retry``) or the worker
        purges the caches of the task (``purgeCaches``).
    :param logs: Names of the artifacts that hold the log: ``live`` and ``backing``.
    :raises InvalidInput: An argument is invalid. Elements of ``mounts`` and ``artifacts`` that you write as dicts, with
        other fields of the worker, are not checked.
    """
    if not commands:
        raise InvalidInput(f"The payload has no command: {_HINT}")
    return {
        "command": list_reader(_command)(commands, "command"),
        "maxRunTime": run_time(max_run_time, "max_run_time"),
    } | given_fields(
        {
            "env": (dict_reader(any_text), env, "env"),
            "mounts": (list_reader(helper_result), mounts, "mounts"),
            "artifacts": (list_reader(helper_result), artifacts, "artifacts"),
            "features": (dict_reader(switch), features, "features"),
            "onExitStatus": (exit_statuses(least=1), on_exit_status, "on_exit_status"),
            "logs": (dict_reader(published_name, ("live", "backing")), logs, "logs"),
        }
    )


def _command(value: Any, argument: str) -> Any:
    if not is_rendered_whole(value) and (not isinstance(value, list | tuple) or not value):
        raise InvalidInput(f"{argument} is {value!r}: {_HINT}")
    return list_reader(any_text)(value, argument)

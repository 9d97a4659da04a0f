"""Readers of the arguments from which a task's definition is made, and what it says of Airflow."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.providers.common.compat.sdk import conf

from airflow_provider_taskcluster.common.arguments import as_mapping, is_omitted, name_list, text
from airflow_provider_taskcluster.common.counts import whole_number
from airflow_provider_taskcluster.common.messages import one_line, visible
from airflow_provider_taskcluster.exceptions import InvalidInput, TaskclusterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
    from airflow_provider_taskcluster.services.schemas import Json

log = logging.getLogger(__name__)

# The queue's limit of a name and of a URL (``queue/v1/task-metadata.json``).
LONGEST_NAME = 255
NO_PAGE = "https://airflow.apache.org/"


def read_payload(payload: Any, path: Any) -> Json | None:
    """Return the payload, which may be in a JSON file.

    :raises InvalidInput: It is no dict, or the file cannot be read.
    """
    if is_omitted(path):
        return _with_run_time(optional_mapping(payload, "payload"))
    file = text(path, "payload_file")
    try:
        content = json.loads(Path(file).read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInput(f"payload_file {file!r} cannot be read ({one_line(error)}): name a JSON file") from None
    return optional_mapping(content, "payload_file")


def _with_run_time(payload: Json | None) -> Json | None:
    """Return the payload with a number as ``maxRunTime``, which a template has turned into text."""
    if payload is None or not isinstance(run_time := payload.get("maxRunTime"), str):
        return payload
    return {**payload, "maxRunTime": whole_number(run_time, "maxRunTime", least=1)}


def optional_mapping(value: Any, argument: str) -> Json | None:
    """Return a dict, which a template may have turned into text; None if it was omitted.

    :raises InvalidInput: It is no dict.
    """
    if is_omitted(value):
        return None
    if (mapping := as_mapping(value, argument)) is None:
        raise InvalidInput(f"{argument} is {one_line(repr(value), 100)}: pass a dict")
    return dict(mapping)


def optional_names(value: Any, argument: str) -> list[str] | None:
    """Return one or many names as a list, each once: the queue refuses repeated ones. None if they were omitted."""
    if is_omitted(value) or (isinstance(value, list | tuple) and not value):
        return None
    return list(dict.fromkeys(name_list(value, argument)))


def without_omitted(fields: Mapping[str, Any]) -> Json:
    """Return the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def default_metadata(
    context: Context, *, owner: Any, description: Any, source: Any, name: Any = None
) -> dict[str, str]:
    """Return the metadata of a task: what the arguments name, else the DAG run and the task in Airflow."""
    instance: Any = context["ti"]
    number = f", map index {instance.map_index}" if instance.map_index >= 0 else ""
    where = f"Task {instance.task_id}{number} of DAG run {instance.run_id} of {instance.dag_id} in Airflow"
    return {
        "name": str(name or f"{instance.dag_id}.{instance.task_id}")[:LONGEST_NAME],
        "description": str(description or where),
        "owner": str(owner),
        "source": str(source or _page(instance)),
    }


def _page(instance: Any) -> str:
    """Return the URL of the page of an Airflow task, as far as the base URL is configured."""
    url = getattr(instance, "log_url", None)
    if not url:
        base = conf.get("api", "base_url", fallback="")
        if not base:
            return NO_PAGE
        path = (instance.dag_id, "runs", instance.run_id, "tasks", instance.task_id)
        url = "/".join([f"{base.rstrip('/')}/dags", *(quote(part, safe="") for part in path)])
    return str(url)


def warn_of_unknown_queue(hook: TaskclusterHook, definition: Mapping[str, Any]) -> None:
    """Warn if a queue looks unused: the queue service takes a wrong name without a word.

    Scopes ``queue:pending-count:<taskQueueId>`` and ``queue:claimed-count:<taskQueueId>``; nothing is said without.
    """
    if (queue_id := definition.get("taskQueueId")) is None:
        return
    try:
        counts = hook.call("queue", "taskQueueCounts", str(queue_id))
        pending, claimed = int(counts["pendingTasks"]), int(counts["claimedTasks"])
    except (TaskclusterError, KeyError, TypeError, ValueError) as error:
        log.debug("The counts of queue %r cannot be read: %s", visible(queue_id), one_line(error))
        return
    if not claimed:
        log.warning(
            "No worker has a task of queue %r at present, and %d wait there: check the name if nobody claims the task",
            str(queue_id),
            pending,
        )

"""Serialization of waits for triggers, as JSON: ``kind`` and the fields of the wait. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.waits.conditions.artifacts import ArtifactWait
from airflow_provider_taskcluster.waits.conditions.group_runs import GroupRunWait
from airflow_provider_taskcluster.waits.conditions.index import IndexWait
from airflow_provider_taskcluster.waits.conditions.objects import ObjectWait
from airflow_provider_taskcluster.waits.conditions.runs import RunWait
from airflow_provider_taskcluster.waits.conditions.tasks import TaskGroupWait, TaskWait

if TYPE_CHECKING:
    from airflow_provider_taskcluster.waits.protocol import Json, Wait

KINDS: dict[str, Any] = {
    "artifact": ArtifactWait,
    "object": ObjectWait,
    "task": TaskWait,
    "task_group": TaskGroupWait,
    "index": IndexWait,
    "run": RunWait,
    "group_run": GroupRunWait,
}
_NAMES = {kind: name for name, kind in KINDS.items()}


def serialize_wait(wait: Any) -> Json:
    """Return the wait as JSON types."""
    return {"kind": _NAMES[type(wait)], **asdict(wait)}


def deserialize_wait(description: Json) -> Wait:
    """Return the wait that was serialized.

    :raises InvalidInput: It is not a serialized wait, or comes from a newer version of this provider.
    """
    fields = dict(description)
    try:
        wait: Wait = KINDS[fields.pop("kind")](**fields)
    except (KeyError, TypeError):
        raise InvalidInput(
            f"This version of the provider knows no wait such as {description!r}: install one version everywhere"
        ) from None
    return wait

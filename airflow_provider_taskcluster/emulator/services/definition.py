"""A task's definition: its defaults, how the queue stores it, and when two are equal. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.clock import DAY, from_json, to_json
from airflow_provider_taskcluster.emulator.database import pack
from airflow_provider_taskcluster.emulator.errors import InputError, InternalServerError

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.schemas.tasks import CreateTask

YEAR = 365 * DAY
# Larger integers are rounded, since the service reads all numbers as doubles.
LARGEST_EXACT = 2**53


def with_defaults(task_id: str, request: CreateTask) -> dict[str, Any]:
    """Return the definition with its defaults, timestamps in one format."""
    definition = request.model_dump(exclude_none=True)
    if request.taskQueueId is None:
        if request.provisionerId is None or request.workerType is None:
            raise InputError("at least a provisionerId and a workerType or a taskQueueId must be provided")
        definition["taskQueueId"] = f"{request.provisionerId}/{request.workerType}"
    provisioner_id, worker_type = definition["taskQueueId"].split("/")
    named = {"provisionerId": provisioner_id, "workerType": worker_type}
    if any(definition.get(key, value) != value for key, value in named.items()):
        raise InputError("taskQueueId must match the provisionerId and workerType")
    deadline = from_json(request.deadline)
    expires = from_json(request.expires) if request.expires else deadline + YEAR
    timestamps = {
        "created": to_json(from_json(request.created)),
        "deadline": to_json(deadline),
        "expires": to_json(expires),
    }
    whole: dict[str, Any] = as_doubles({"taskGroupId": task_id, **definition, **named, **timestamps})
    return whole


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Compare two definitions with defaults; the order of keys does not count, that of lists does."""
    return pack(one) == pack(other)


def check_storable(value: Any) -> None:
    """Raise InternalServerError for text that the real database cannot store: NUL, and lone surrogates."""
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise InternalServerError("unsupported Unicode escape sequence")
    elif isinstance(value, dict | list):
        for inner in [*value, *value.values()] if isinstance(value, dict) else value:
            check_storable(inner)


def as_doubles(value: Any) -> Any:
    """Round numbers as JavaScript does: 1.0 is 1, and integers above 2^53 lose digits."""
    if isinstance(value, dict):
        return {key: as_doubles(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_doubles(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and abs(value) > LARGEST_EXACT:
        return int(float(value))
    return value

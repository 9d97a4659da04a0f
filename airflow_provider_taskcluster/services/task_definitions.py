"""Definitions of tasks: what the queue cannot carry, and whether two of them mean the same task. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from airflow_provider_taskcluster.exceptions import InvalidInput

# The services answer 500 to a larger body.
LARGEST_BODY = 10 * 1024 * 1024
# The services round integers beyond this.
LARGEST_INTEGER = 2**53
_DATES = {"created", "deadline", "expires"}
_QUEUE = {"provisionerId", "workerType", "taskQueueId"}
# changeTaskPriority changes the definition of the task.
_CHANGED_LATER = {"priority"}
_DEFAULTS: dict[str, Any] = {
    "projectId": "none",
    "schedulerId": "-",
    "retries": 5,
    "requires": "all-completed",
    "dependencies": [],
    "routes": [],
    "scopes": [],
    "tags": {},
    "extra": {},
}


def check_json(value: Any, argument: str) -> None:
    """Check that the queue and the index can carry a JSON object.

    :param argument: Name of the argument, for the error.
    :raises InvalidInput: It is no JSON object, is too large, or has a value that the services answer with 500 (NUL, a
        lone surrogate) or change without a word (integers over 2^53).
    """
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{argument} is {repr(value)[:100]}: pass a dict")
    try:
        size = len(json.dumps(value, separators=(",", ":"), allow_nan=False))
        _check_value(value, argument)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{argument} is not JSON: {error}") from None
    if size > LARGEST_BODY:
        raise InvalidInput(f"{argument} has {size} bytes as JSON, and {LARGEST_BODY} are possible: shorten it")


def required_tasks(definition: Mapping[str, Any]) -> list[str]:
    """Return the tasks that must complete before a task is scheduled; the others need only be resolved."""
    found: list[str] = definition.get("dependencies", [])
    return found if definition.get("requires") == "all-completed" else []


def _check_value(value: Any, where: str) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _check_value(key, f"a key of {where}")
            _check_value(inner, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            _check_value(inner, f"{where}[{index}]")
    elif isinstance(value, str) and ("\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value)):
        raise InvalidInput(
            f"{where[:200]} has a NUL character or a lone surrogate, which the service answers with 500: leave it out"
        )
    elif isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        raise InvalidInput(f"{where[:200]} is over 2^53, and the service would change its digits: write it as text")


def is_same_task(task_id: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Tell whether a task of the queue is the one that a definition means. Its priority may have changed.

    :param wanted: The definition as it was sent; what it leaves out has its default.
    :param found: The definition that the queue has.
    """
    defaults = {**_DEFAULTS, "taskGroupId": task_id}
    names = (wanted.keys() | defaults.keys()) - _DATES - _QUEUE - _CHANGED_LATER
    plain = all(_plain(wanted.get(name, defaults.get(name))) == _plain(found.get(name)) for name in names)
    dates = all(_instant(wanted[name]) == _instant(found.get(name)) for name in _DATES & wanted.keys())
    queue = all(wanted[name] == found.get(name, wanted[name]) for name in _QUEUE & wanted.keys())
    return plain and dates and queue


def _plain(value: Any) -> str:
    """Return a value in one spelling: neither the order of keys counts, nor 1 against 1.0."""
    return json.dumps(_rounded(value), sort_keys=True)


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _instant(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found.astimezone(UTC).replace(microsecond=found.microsecond // 1000 * 1000)

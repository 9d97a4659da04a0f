"""Readers of the fields that payloads of workers have in common. Pure.

A reader takes a value and its name for the error. It returns what Airflow renders later (XComs, templates) as it is,
and raises InvalidInput for what a worker would refuse. Errors show no values, which may be secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.arguments import flag, point_in_time
from airflow_provider_taskcluster.common.checks import needs_rendering
from airflow_provider_taskcluster.common.counts import whole_number
from airflow_provider_taskcluster.common.timestamps import iso_timestamp
from airflow_provider_taskcluster.exceptions import InvalidInput

FieldReader = Callable[[Any, str], Any]


def is_rendered_whole(value: Any) -> bool:
    """Tell whether Airflow replaces a value by one of any type: an XCom, a function, or text that is one template."""
    if isinstance(value, str):
        return value.lstrip().startswith("{{") and value.rstrip().endswith("}}")
    return not isinstance(value, Mapping | list | tuple) and needs_rendering(value)


def any_text(value: Any, argument: str) -> Any:
    """Read a text, which may be empty."""
    if isinstance(value, str) or is_rendered_whole(value):
        return value
    raise InvalidInput(f"{argument} is {_kind(value)}: pass a text")


def filled_text(value: Any, argument: str) -> Any:
    """Read a text that is not empty."""
    if any_text(value, argument) == "":
        raise InvalidInput(f"{argument} is empty: pass a text")
    return value


def published_name(value: Any, argument: str) -> Any:
    """Read the name of an artifact."""
    return value if needs_rendering(filled_text(value, argument)) else names.artifact_name(value)


def absolute_path(value: Any, argument: str) -> Any:
    """Read a path in a container."""
    if not needs_rendering(filled_text(value, argument)) and not value.startswith("/"):
        raise InvalidInput(f"{argument} is {value!r}: pass an absolute path, such as '/builds/target.zip'")
    return value


def switch(value: Any, argument: str) -> Any:
    """Read True or False."""
    return value if is_rendered_whole(value) else flag(value, argument)


def expiry_text(value: Any, argument: str) -> Any:
    """Read a datetime or its ISO text, as ISO text."""
    return value if needs_rendering(value) else iso_timestamp(point_in_time(value, argument))


def run_time(value: Any, argument: str) -> Any:
    """Read a duration, in seconds or as a timedelta, as whole seconds above 0; parts of a second are rounded up."""
    if is_rendered_whole(value):
        return value
    seconds = -(-value // timedelta(seconds=1)) if isinstance(value, timedelta) else value
    return whole_number(seconds, argument, least=1)


def helper_result(value: Any, argument: str) -> Any:
    """Read what a function such as ``file_artifact`` returned, or a dict of the worker's own fields."""
    if isinstance(value, Mapping) or is_rendered_whole(value):
        return value
    raise InvalidInput(f"{argument} is {_kind(value)}: pass what a helper such as file_artifact returned")


def list_reader(read: FieldReader) -> FieldReader:
    """Return a reader of lists whose elements ``read`` reads."""

    def read_list(value: Any, argument: str) -> Any:
        if is_rendered_whole(value):
            return value
        if not isinstance(value, list | tuple):
            raise InvalidInput(f"{argument} is {_kind(value)}: pass a list")
        return [read(inner, f"{argument}[{place}]") for place, inner in enumerate(value)]

    return read_list


def dict_reader(read: FieldReader, keys: tuple[str, ...] = ()) -> FieldReader:
    """Return a reader of dicts whose values ``read`` reads.

    :param keys: The keys that a worker knows; none for any text.
    """

    def read_mapping(value: Any, argument: str) -> Any:
        if is_rendered_whole(value):
            return value
        if not isinstance(value, Mapping):
            raise InvalidInput(f"{argument} is {_kind(value)}: pass a dict")
        return {_key(key, argument, keys): read(inner, f"{argument}[{key!r}]") for key, inner in value.items()}

    return read_mapping


def exit_statuses(least: int) -> FieldReader:
    """Return a reader of the exit statuses that make a worker run a task again, or purge its caches.

    :param least: The smallest status that the worker accepts.
    """

    def status(value: Any, argument: str) -> Any:
        return value if is_rendered_whole(value) else whole_number(value, argument, least)

    return dict_reader(list_reader(status), ("retry", "purgeCaches"))


def given_fields(fields: Mapping[str, tuple[FieldReader, Any, str]]) -> dict[str, Any]:
    """Return the fields of a payload that were given.

    :param fields: By the name in the payload: the reader, the value, and the name of the argument. None and empty
        collections are left out.
    """
    return {
        name: read(value, argument)
        for name, (read, value, argument) in fields.items()
        if value is not None and not (isinstance(value, Mapping | list | tuple) and not value)
    }


def _key(key: Any, argument: str, known: tuple[str, ...]) -> str:
    if not isinstance(key, str) or not key:
        raise InvalidInput(f"{argument} has the name {key!r}: pass a text")
    if needs_rendering(key):
        raise InvalidInput(f"{argument} has the name {key!r}: Airflow renders no templates in the keys of a dict")
    if known and key not in known:
        raise InvalidInput(f"{argument} has the name {key!r}: workers know {' and '.join(map(repr, known))}")
    return key


def _kind(value: Any) -> str:
    return "None" if value is None else f"a value of type {type(value).__name__}"

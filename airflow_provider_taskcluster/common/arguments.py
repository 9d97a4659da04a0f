"""Readers of operator arguments, which templates make text of, and Jinja's native rendering other things. Pure."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common import counts
from airflow_provider_taskcluster.common.timestamps import utc_datetime, utc_datetime_after
from airflow_provider_taskcluster.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.providers.common.compat.sdk import Context

# Stands in no Python literal: what begins with it stays text when Jinja renders it natively.
NO_LITERAL = "\0"


def as_written(render: Callable[..., Any], template: Any, *arguments: Any, **options: Any) -> Any:
    """Render a template; what ``render_template_as_native_obj`` makes a number of stays the text that was written.

    A name such as ``1.10``, ``2026_01_31`` or ``0x1f`` would be another name as a number.

    :param render: ``render_template`` of Airflow's operators, whose arguments follow.
    """
    rendered = render(template, *arguments, **options)
    if not isinstance(template, str) or not isinstance(rendered, int | float | complex) or isinstance(rendered, bool):
        return rendered
    return render(f"{NO_LITERAL}{template}", *arguments, **options).removeprefix(NO_LITERAL)


def as_values(render: Callable[..., Any], template: Any, *arguments: Any, **options: Any) -> Any:
    """Render what becomes JSON, in which a number is one: each text in it as Airflow does."""
    if isinstance(template, dict):
        return {key: as_values(render, value, *arguments, **options) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [as_values(render, value, *arguments, **options) for value in template]
    return render(template, *arguments, **options)


def expiry(expires: datetime | timedelta | str, context: Context) -> datetime:
    """Return when an upload ends: the same instant in every try of a task, as the identity of an upload demands.

    :param expires: A datetime with a time zone, its ISO text, or a timedelta counted from the start of the DAG run.
    :return: UTC, whole milliseconds.
    :raises InvalidInput: It is none of these.
    """
    return expiry_from(expires, context["dag_run"].start_date if isinstance(expires, timedelta) else None)


def check_expiry(expires: Any, what: str = "expires") -> None:
    """Check what ``expiry`` reads, as far as that is possible before there is a DAG run.

    :raises InvalidInput: It cannot be; a timedelta also if the upload would be gone at once.
    """
    expiry_from(expires, datetime(2000, 1, 1, tzinfo=UTC))
    if isinstance(expires, timedelta) and expires <= timedelta():
        raise InvalidInput(f"{what} is {expires!r}, which is past: the object would be gone at once")


def expiry_from(expires: datetime | timedelta | str, start: datetime | None) -> datetime:
    """Return when an upload ends.

    :param start: What a timedelta counts from: the start of the DAG run, None if it has none.
    """
    if isinstance(expires, timedelta):
        if start is None:
            raise InvalidInput("expires is a timedelta, but this DAG run has no start date: pass a datetime")
        return utc_datetime_after(start, expires, "expires")
    if isinstance(expires, str):
        expires = _parsed(expires, "expires")
    if not isinstance(expires, datetime):
        raise InvalidInput(f"expires must be a timedelta or a datetime with a time zone, not {expires!r}")
    return utc_datetime(expires, "expires")


def point_in_time(value: Any, what: str) -> datetime:
    """Return a datetime, or its ISO text, in UTC and whole milliseconds.

    :param what: Name of the argument, for the error.
    :raises InvalidInput: It is neither, or has no time zone.
    """
    return utc_datetime(_parsed(value, what) if isinstance(value, str) else value, what)


def optional_point_in_time(value: Any, what: str) -> datetime | None:
    """Do the same for an argument that may be left out."""
    return None if is_omitted(value) else point_in_time(value, what)


def _parsed(text: str, what: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{what} is {text!r}, which is not an ISO date and time, such as 2026-01-31T12:00:00Z"
        ) from None


def choice(value: Any, what: str, allowed: Sequence[str]) -> str:
    """Return a value that is one of a few words.

    :raises InvalidInput: It is another one; names them.
    """
    if value not in allowed:
        *others, last = map(repr, allowed)
        raise InvalidInput(f"{what} is {value!r}: pass {', '.join(others)} or {last}")
    return str(value)


def flag(value: Any, what: str) -> bool:
    """Return a value that is true or false: a text such as "no" would count as true.

    :raises InvalidInput: It is neither.
    """
    if not isinstance(value, bool):
        raise InvalidInput(f"{what} is {value!r}: pass True or False")
    return value


def function(value: Any, what: str) -> Any:
    """Return a function, or None.

    :raises InvalidInput: It is neither.
    """
    if value is not None and not callable(value):
        raise InvalidInput(f"{what} is {value!r}: pass a function")
    return value


def run_number(run_id: Any, what: str = "run_id") -> int | None:
    """Return the number of a run; None, "" and ``latest`` mean the latest one.

    :param what: Name of the argument, for the error.
    :raises InvalidInput: It is neither that nor a number.
    """
    if run_id in (None, "", "None", "latest"):
        return None
    if (number := counts.read(run_id)) is None:
        raise InvalidInput(f"{what} is {run_id!r}: pass the number of a run, or None for the latest")
    return number


def explicit_run(run_id: Any, what: str = "run_id") -> int:
    """Return the number of the run that publishes an artifact.

    :param what: Name of the argument, for the error.
    :raises InvalidInput: It is no number, or means the latest run, whichever that is.
    """
    if (number := run_number(run_id, what)) is None:
        raise InvalidInput(f"{what} is {run_id!r}: an artifact is of a certain run; pass its number")
    return number


def length(value: Any, what: str) -> int | None:
    """Return a number of bytes, which a template may have written as text; None and "" mean none.

    :raises InvalidInput: It is no whole number from 0.
    """
    if value in (None, ""):
        return None
    if (number := counts.read(value)) is None:
        raise InvalidInput(f"{what} is {value!r}: pass a number of bytes")
    return number


def text(value: Any, what: str) -> str:
    """Return a name or a path as text; an int may stand for one.

    :param what: Name of the argument, for the error.
    :raises InvalidInput: It cannot be one, it is a ``Path`` that still holds a template, or a number with a point, of
        which nobody knows whether it was meant to be "1.1" or "1.10".
    """
    if isinstance(value, float):
        raise InvalidInput(f"{what} is the number {value!r}, whose spelling is lost (1.1, 1.10): pass a text")
    if hasattr(value, "__fspath__"):
        if "{{" in str(value) or "{%" in str(value):
            raise InvalidInput(f"{what} is a Path, in which Airflow renders no template: pass {str(value)!r} as a str")
        return str(value)
    if not isinstance(value, str | int):
        raise InvalidInput(f"{what} is {value!r}: pass a text")
    return str(value)


def optional_text(value: Any, what: str) -> str | None:
    """Do the same for an argument that may be left out: None and "", which templates write, are None."""
    return None if is_omitted(value) else text(value, what)


def is_omitted(value: Any) -> bool:
    """Tell whether an argument was given nothing."""
    return value is None or (isinstance(value, str) and not value)


def path_or_url(value: Any, what: str) -> Any:
    """Return where bytes come from or go to: a path or a URL as text, or an ``ObjectStoragePath`` as it is."""
    return value if hasattr(type(value), "fs") else text(value, what)


def content(data: Any) -> bytes:
    """Return what to upload: bytes as they are, text as UTF-8, and what native rendering made of text as JSON.

    :raises InvalidInput: It has no JSON text.
    """
    if isinstance(data, bytes):
        return data
    if isinstance(data, str):
        return data.encode()
    try:
        return json.dumps(data).encode()
    except (TypeError, ValueError):
        raise InvalidInput(f"data is a {type(data).__name__}, which has no JSON text: pass text or bytes") from None


def name_list(value: Any, what: str) -> list[str]:
    """Return one or many names as a list, which a template may have written as text (JSON or a Python literal).

    :raises InvalidInput: There is none in it, one is empty, or it is the text of a list that cannot be read.
    """
    if isinstance(value, str):
        value = _read(value, what, "list") if _is_within(value, "[]") else [value]
    many = isinstance(value, Sequence | AbstractSet) and not isinstance(value, str | bytes)
    found = [text(name, what) for name in (value if many else [value])]
    if not found or "" in found:
        raise InvalidInput(f"{what} holds no name, or an empty one: give one name or a list of names")
    return found


def pattern_list(value: Any, what: str) -> list[str] | None:
    """Return one or many patterns as a list, which may be empty; None where the argument was left out.

    :raises InvalidInput: One is empty, or it is the text of a list that cannot be read.
    """
    if isinstance(value, str):
        written = "".join(value.split())
        value = None if written in {"", "None", "null"} else [] if written in {"[]", "()", "{}", "set()"} else value
    if value is None:
        return None
    return [] if isinstance(value, Sequence | AbstractSet) and not value else name_list(value, what)


def as_mapping(value: Any, what: str) -> Mapping[str, Any] | None:
    """Return a dict, which a template may have written as text (JSON or a Python literal); None if it is another thing.

    :raises InvalidInput: It is the text of a dict that cannot be read.
    """
    if isinstance(value, str) and _is_within(value, "{}"):
        value = _read(value, what, "dict")
    return value if isinstance(value, Mapping) else None


def _is_within(written: str, brackets: str) -> bool:
    return written.strip()[:1] == brackets[0] and written.strip()[-1:] == brackets[1]


def _read(written: str, what: str, kind: str) -> Any:
    for read in (json.loads, ast.literal_eval):
        try:
            return read(written.strip())
        except (ValueError, SyntaxError, RecursionError):
            continue
    raise InvalidInput(f"{what} is {written!r}, which looks like a {kind} but is none: write a {kind} of strings")

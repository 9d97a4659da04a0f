"""Readers of operator arguments, which templates may turn into text, and native rendering into other types. Pure."""

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

# Occurs in no Python literal: text that begins with it stays text when Jinja renders it natively.
NO_LITERAL = "\0"


def as_written(render: Callable[..., Any], template: Any, *arguments: Any, **options: Any) -> Any:
    """Render a template, and keep as text what ``render_template_as_native_obj`` would turn into a number.

    A name such as ``1.10``, ``2026_01_31`` or ``0x1f`` would become another name as a number.

    :param render: ``render_template`` of Airflow's operators, whose arguments follow.
    """
    rendered = render(template, *arguments, **options)
    if not isinstance(template, str) or not isinstance(rendered, int | float | complex) or isinstance(rendered, bool):
        return rendered
    return render(f"{NO_LITERAL}{template}", *arguments, **options).removeprefix(NO_LITERAL)


def as_values(render: Callable[..., Any], template: Any, *arguments: Any, **options: Any) -> Any:
    """Render the templates in a value that becomes JSON, in which numbers stay numbers."""
    if isinstance(template, dict):
        return {key: as_values(render, value, *arguments, **options) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [as_values(render, value, *arguments, **options) for value in template]
    return render(template, *arguments, **options)


def as_texts(render: Callable[..., Any], template: Any, *arguments: Any, **options: Any) -> Any:
    """Render the templates in a value that becomes JSON, in which text stays text: a worker refuses other types.

    A template that renders to a list or a dict, such as an XCom, gives that.
    """
    if isinstance(template, dict):
        return {key: as_texts(render, value, *arguments, **options) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [as_texts(render, value, *arguments, **options) for value in template]
    if isinstance(template, str) and "{" not in template:
        return template
    return as_written(render, template, *arguments, **options)


def expiry(expires: datetime | timedelta | str, context: Context) -> datetime:
    """Return the expiry of an upload or an index entry: the same instant in every try of a task.

    The id of an upload depends on it.

    :param expires: A datetime with a time zone, its ISO text, or a timedelta counted from the start of the DAG run.
    :return: UTC, whole milliseconds.
    :raises InvalidInput: It is none of these.
    """
    return expiry_from(expires, context["dag_run"].start_date if isinstance(expires, timedelta) else None)


def check_expiry(expires: Any, argument: str = "expires") -> None:
    """Check the argument of ``expiry``, as far as possible without a DAG run.

    :raises InvalidInput: It is invalid, or a timedelta that is not above zero.
    """
    expiry_from(expires, datetime(2000, 1, 1, tzinfo=UTC))
    if isinstance(expires, timedelta) and expires <= timedelta():
        raise InvalidInput(f"{argument} is {expires!r}, which is past: it would be gone at once")


def expiry_from(expires: datetime | timedelta | str, start: datetime | None) -> datetime:
    """Return the expiry of an upload.

    :param start: Start of the DAG run, from which a timedelta counts; None if it has none.
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


def point_in_time(value: Any, argument: str) -> datetime:
    """Return a datetime, given as such or as ISO text, in UTC and whole milliseconds.

    :param argument: Name of the argument, for the error.
    :raises InvalidInput: It is neither, or has no time zone.
    """
    return utc_datetime(_parsed(value, argument) if isinstance(value, str) else value, argument)


def optional_point_in_time(value: Any, argument: str) -> datetime | None:
    """Return the same for an argument that may be omitted."""
    return None if is_omitted(value) else point_in_time(value, argument)


def _parsed(text: str, argument: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{argument} is {text!r}, which is not an ISO date and time, such as 2026-01-31T12:00:00Z"
        ) from None


def choice(value: Any, argument: str, allowed: Sequence[str]) -> str:
    """Return a value that must be one of a few words.

    :raises InvalidInput: It is not; names them.
    """
    if value not in allowed:
        *others, last = map(repr, allowed)
        raise InvalidInput(f"{argument} is {value!r}: pass {', '.join(others)} or {last}")
    return str(value)


def flag(value: Any, argument: str) -> bool:
    """Return a value that must be True or False: text such as "no" would count as true.

    :raises InvalidInput: It is neither.
    """
    if not isinstance(value, bool):
        raise InvalidInput(f"{argument} is {value!r}: pass True or False")
    return value


def function(value: Any, argument: str) -> Any:
    """Return a function, or None.

    :raises InvalidInput: It is neither.
    """
    if value is not None and not callable(value):
        raise InvalidInput(f"{argument} is {value!r}: pass a function")
    return value


def run_number(run_id: Any, argument: str = "run_id") -> int | None:
    """Return the number of a run; None, "" and ``latest`` mean the latest one.

    :param argument: Name of the argument, for the error.
    :raises InvalidInput: It is neither that nor a number.
    """
    if run_id in (None, "", "None", "latest"):
        return None
    if (number := counts.read_count(run_id)) is None:
        raise InvalidInput(f"{argument} is {run_id!r}: pass the number of a run, or None for the latest")
    return number


def explicit_run(run_id: Any, argument: str = "run_id") -> int:
    """Return the number of a run that must be given, as for publishing an artifact.

    :param argument: Name of the argument, for the error.
    :raises InvalidInput: It is not a number.
    """
    if (number := counts.read_count(run_id)) is None:
        raise InvalidInput(f"{argument} is {run_id!r}: an artifact is of a certain run; pass its number")
    return number


def length(value: Any, argument: str) -> int | None:
    """Return a number of bytes, which a template may have turned into text; None and "" give None.

    :raises InvalidInput: It is not a whole number, 0 or more.
    """
    return None if value in (None, "") else counts.number_of_bytes(value, argument)


def text(value: Any, argument: str) -> str:
    """Return a name or a path as text; an int is accepted as well.

    :param argument: Name of the argument, for the error.
    :raises InvalidInput: It is of another type, a ``Path`` that holds a template, or a float, which may have been
        written "1.1" or "1.10".
    """
    if isinstance(value, float):
        raise InvalidInput(f"{argument} is the number {value!r}, whose spelling is lost (1.1, 1.10): pass a text")
    if hasattr(value, "__fspath__"):
        if "{{" in str(value) or "{%" in str(value):
            raise InvalidInput(
                f"{argument} is a Path, in which Airflow renders no template: pass {str(value)!r} as a str"
            )
        return str(value)
    if not isinstance(value, str | int):
        raise InvalidInput(f"{argument} is {value!r}: pass a text")
    return str(value)


def optional_text(value: Any, argument: str) -> str | None:
    """Return the same for an argument that may be omitted: None and "", which a template may render to, give None."""
    return None if is_omitted(value) else text(value, argument)


def is_omitted(value: Any) -> bool:
    """Tell whether an argument is None or empty text."""
    return value is None or (isinstance(value, str) and not value)


def path_or_url(value: Any, argument: str) -> Any:
    """Return a source or destination of bytes: a path or a URL as text, an ``ObjectStoragePath`` as it is."""
    return value if hasattr(type(value), "fs") else text(value, argument)


def content(data: Any) -> bytes:
    """Return the bytes to upload: bytes as they are, text as UTF-8, other values (from native rendering) as JSON.

    :raises InvalidInput: It cannot be written as JSON.
    """
    if isinstance(data, bytes):
        return data
    if isinstance(data, str):
        return data.encode()
    try:
        return json.dumps(data).encode()
    except (TypeError, ValueError):
        raise InvalidInput(f"data is a {type(data).__name__}, which has no JSON text: pass text or bytes") from None


def name_list(value: Any, argument: str) -> list[str]:
    """Return one or many names as a list, which a template may have turned into text (JSON or a Python literal).

    :raises InvalidInput: The list is empty, a name is empty, or the text of a list cannot be read.
    """
    if isinstance(value, str):
        value = _read(value, argument, "list") if _is_within(value, "[]") else [value]
    many = isinstance(value, Sequence | AbstractSet) and not isinstance(value, str | bytes)
    names = [text(name, argument) for name in (value if many else [value])]
    if not names or "" in names:
        raise InvalidInput(f"{argument} holds no name, or an empty one: give one name or a list of names")
    return names


def is_single(argument: Any, names: list[str]) -> bool:
    """Return whether an argument is a single name, not a list.

    :param argument: The argument: one name or a list.
    :param names: The names in it, as ``name_list`` returns them.
    """
    return names == [str(argument)]


def pattern_list(value: Any, argument: str) -> list[str] | None:
    """Return one or many patterns as a list, which may be empty; None if the argument was omitted.

    :raises InvalidInput: A pattern is empty, or the text of a list cannot be read.
    """
    if isinstance(value, str):
        written = "".join(value.split())
        value = None if written in {"", "None", "null"} else [] if written in {"[]", "()", "{}", "set()"} else value
    if value is None:
        return None
    return [] if isinstance(value, Sequence | AbstractSet) and not value else name_list(value, argument)


def as_mapping(value: Any, argument: str) -> Mapping[str, Any] | None:
    """Return a dict, which a template may have turned into text (JSON or a Python literal); None for other values.

    :raises InvalidInput: The text of a dict cannot be read.
    """
    if isinstance(value, str) and _is_within(value, "{}"):
        value = _read(value, argument, "dict")
    return value if isinstance(value, Mapping) else None


def _is_within(written: str, brackets: str) -> bool:
    return written.strip()[:1] == brackets[0] and written.strip()[-1:] == brackets[1]


def _read(written: str, argument: str, kind: str) -> Any:
    for read in (json.loads, ast.literal_eval):
        try:
            return read(written.strip())
        except (ValueError, SyntaxError, RecursionError):
            continue
    raise InvalidInput(f"{argument} is {written!r}, which looks like a {kind} but is none: write a {kind} of strings")

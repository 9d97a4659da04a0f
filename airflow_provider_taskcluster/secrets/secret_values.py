"""What a Taskcluster secret, a JSON object, is as an Airflow connection, variable or option. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXTS = ("conn_type", "description", "host", "login", "password", "schema")
FIELDS = (*_TEXTS, "port", "extra")


def connection_text(secret: Mapping[str, Any]) -> str:
    """Return the URI or JSON text of a connection, as Airflow parses it.

    :param secret: ``{"uri": text}``, ``{"value": text or fields}``, or the fields of the connection themselves.
    :raises InvalidInput: It is none of these. The message has names of fields, no values.
    """
    for key in ("uri", "value"):
        if set(secret) == {key}:
            value = secret[key]
            if isinstance(value, str) and value.strip():
                return value
            if key == "value" and isinstance(value, dict):
                return _fields(value)
            raise InvalidInput(f"{key!r} is empty or of another type: write the URI of a connection")
    return _fields(secret)


def variable_text(secret: Mapping[str, Any]) -> str:
    """Return the value of a variable or an option.

    :param secret: ``{"value": text}`` for a text; ``{"value": ...}`` for other JSON; any other object is the value.
    """
    value = secret["value"] if set(secret) == {"value"} else secret
    return value if isinstance(value, str) else json.dumps(value)


def _fields(secret: Mapping[str, Any]) -> str:
    unknown = sorted(set(secret) - set(FIELDS))
    if unknown or not secret:
        what = f"has {', '.join(map(repr, unknown))}, which no connection has" if unknown else "is empty"
        raise InvalidInput(f"it {what}: write {', '.join(FIELDS)}, or 'uri' alone")
    for name in _TEXTS:
        if not isinstance(secret.get(name), str | None):
            raise InvalidInput(f"{name!r} is no text: put it in quotes")
    port = secret.get("port")
    if isinstance(port, bool) or (port and not str(port).isdecimal()):
        raise InvalidInput("'port' is no number")
    if not isinstance(secret.get("extra"), dict | str | None):
        raise InvalidInput("'extra' is no object")
    return json.dumps({name: value for name, value in secret.items() if value is not None})

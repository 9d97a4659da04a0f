"""Reads the JSON object in the body of an error, also if the body was cut off. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

_BLANK = re.compile(r"[ \t\r\n]*")


def json_object(body: str) -> dict[str, Any]:
    """Return the JSON object of a body, {} if there is none; for a body that was cut off, its complete members."""
    try:
        document = json.loads(body)
    except ValueError:
        return _whole_members(body)
    except RecursionError:
        return {}
    return document if isinstance(document, dict) else {}


def _whole_members(body: str) -> dict[str, Any]:
    """Return the complete members of an object that was cut off. Code and message come before the echoed request."""
    members: dict[str, Any] = {}
    decoder = json.JSONDecoder()
    at, expected = _after_blank(body, 0), "{"
    try:
        while body[at] == expected:
            name, at = decoder.raw_decode(body, _after_blank(body, at + 1))
            at = _after_blank(body, at)
            if not isinstance(name, str) or body[at] != ":":
                break
            members[name], at = decoder.raw_decode(body, _after_blank(body, at + 1))
            at, expected = _after_blank(body, at), ","
    except (ValueError, IndexError, RecursionError):  # here it was cut off
        pass
    return members


def _after_blank(body: str, at: int) -> int:
    """Return the position of the first character that is not white space, from ``at`` on."""
    blank = _BLANK.match(body, at)
    return blank.end() if blank else at

"""The JSON object in the body of an error, also of one that was cut. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

_BLANK = re.compile(r"[ \t\r\n]*")


def json_object(body: str) -> dict[str, Any]:
    """Return the JSON object of a body, an empty one where there is none. Of one that is cut, what is whole."""
    try:
        answer = json.loads(body)
    except ValueError:
        return _whole_members(body)
    except RecursionError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _whole_members(body: str) -> dict[str, Any]:
    """Return the members at the beginning of an object. An error tells what it is before it echoes the request."""
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
    except (ValueError, IndexError, RecursionError):  # here it is cut
        pass
    return members


def _after_blank(body: str, at: int) -> int:
    """Return where the white space ends that begins there."""
    found = _BLANK.match(body, at)
    return found.end() if found else at

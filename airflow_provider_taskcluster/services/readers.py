"""Readers of single values in a service's JSON: each returns the value, or says what came instead. Pure.

What is read here may be used without another look. Text that tasks write freely (content types, reasons, messages)
comes out fit for a log; identifiers and names with control characters are refused, as the schemas refuse them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

from airflow_provider_taskcluster.common.messages import json_kind, one_line, visible
from airflow_provider_taskcluster.common.urls import url_problem

JsonReader = Callable[[Any], Any]

# Of names, ids, states and scopes; the schemas allow 1,024 at most.
LONGEST_WORD = 4096
LONGEST_KIND = 64
# Of credentials: a certificate lists scopes.
LONGEST_SECRET = 64 * 1024
# Of a content type or a reason.
LONGEST_LABEL = 255
LARGEST_NUMBER = 2**63 - 1
_HEX = frozenset("0123456789abcdefABCDEF")


class SchemaMismatch(Exception):
    """A value is not what the schema of the answer says.

    :param what: What it is, and what it should be.
    :param path: Where it is in the answer.
    """

    def __init__(self, what: str, path: str = "") -> None:
        super().__init__(f"{path or 'it'} is {what}")
        self._what = what
        self._path = path

    def below(self, step: str) -> SchemaMismatch:
        """Return the same, seen from one level further up."""
        between = "" if not self._path or self._path.startswith("[") else "."
        return SchemaMismatch(self._what, f"{one_line(step, 40)}{between}{self._path}")


def mismatch(value: Any, wanted: str) -> SchemaMismatch:
    """Return the error for a value that is something else than it should be."""
    return SchemaMismatch(f"{json_kind(value)}, not {wanted}")


def word(value: Any) -> str:
    """Read a name, an identifier or a state."""
    if isinstance(value, str) and value and value.isprintable() and len(value) <= LONGEST_WORD:
        return value
    raise mismatch(value, f"a text of 1 to {LONGEST_WORD} characters that print")


def kind(value: Any) -> str:
    """Read which kind of thing it is, or its state: one word of the service's own."""
    if isinstance(value, str) and 0 < len(value) <= LONGEST_KIND and value.replace("-", "").isalnum():
        return value
    raise mismatch(value, "a word")


def label(value: Any) -> str:
    """Read a short text that a task wrote, such as a content type."""
    return one_line(text(value), LONGEST_LABEL)


def message(value: Any) -> str:
    """Read a longer one."""
    return one_line(text(value))


def free(value: Any) -> str:
    """Read a name for which the service takes any text."""
    return visible(text(value), LONGEST_WORD)


def text(value: Any) -> str:
    """Read any text, to be looked at before it is used: a URL that a task chose."""
    if isinstance(value, str):
        return value
    raise mismatch(value, "a text")


def url(value: Any) -> str:
    """Read the URL of a body in a store. Such are secret: an error shows nothing of it."""
    if why := url_problem(text(value)):
        raise SchemaMismatch(f"no URL that can be fetched ({why})")
    return str(value)


def header(value: Any) -> str:
    """Read the value of an HTTP header that is to be sent. An error shows nothing of it."""
    if isinstance(value, str) and value.isascii() and value.isprintable() and len(value) <= LONGEST_SECRET:
        return value
    raise SchemaMismatch("not a text of printable ASCII")


def certificate(value: Any) -> str:
    """Read the certificate of temporary credentials: the JSON of an object, as text."""
    try:
        found = json.loads(text(value))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise SchemaMismatch("not the JSON of a certificate")
    return str(value)


def timestamp(value: Any) -> str:
    """Read a date-time with a zone, as ISO text."""
    try:
        if datetime.fromisoformat(value).tzinfo is not None:
            return str(value)
    except (TypeError, ValueError):
        pass
    raise mismatch(value, "a date and time with a zone")


def whole(value: Any) -> int:
    """Read a count or the number of a run: whole, 0 or more."""
    if type(value) is int and 0 <= value <= LARGEST_NUMBER:
        return value
    raise mismatch(value, "a whole number, 0 or more")


def number(value: Any) -> Any:
    """Read a number, whole or not."""
    if type(value) in {int, float} and abs(value) <= LARGEST_NUMBER and math.isfinite(value):
        return value
    raise mismatch(value, "a number")


def flag(value: Any) -> bool:
    """Read true or false."""
    if isinstance(value, bool):
        return value
    raise mismatch(value, "true or false")


def hexadecimal(digits: int) -> JsonReader:
    """Return a reader of so many hexadecimal digits."""

    def read(value: Any) -> str:
        if isinstance(value, str) and len(value) == digits and _HEX.issuperset(value):
            return value
        raise mismatch(value, f"{digits} hexadecimal digits")

    return read

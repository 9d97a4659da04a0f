"""Readers of single values in a service's JSON: each returns the value, or raises ``SchemaMismatch``. Pure.

Values that were read need no further check. Free text of tasks (content types, reasons, messages) is made fit for a
log; identifiers and names with control characters are refused, as by the schemas.
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

# Characters of names, IDs, states and scopes; the schemas allow at most 1,024.
LONGEST_WORD = 4096
LONGEST_KIND = 64
# Characters of credentials; a certificate lists scopes.
LONGEST_SECRET = 64 * 1024
# Characters of a content type or a reason.
LONGEST_LABEL = 255
LARGEST_NUMBER = 2**63 - 1
_HEX = frozenset("0123456789abcdefABCDEF")


class SchemaMismatch(Exception):
    """A value does not fit the schema of the response.

    :param mismatch: What the value is, and what it should be.
    :param path: Where it is in the response.
    """

    def __init__(self, mismatch: str, path: str = "") -> None:
        super().__init__(f"{path or 'it'} is {mismatch}")
        self._mismatch = mismatch
        self._path = path

    def below(self, step: str) -> SchemaMismatch:
        """Return the same error, with one more step at the beginning of its path."""
        between = "" if not self._path or self._path.startswith("[") else "."
        return SchemaMismatch(self._mismatch, f"{one_line(step, 40)}{between}{self._path}")


def mismatch(value: Any, wanted: str) -> SchemaMismatch:
    """Return the error for a value that is not ``wanted``."""
    return SchemaMismatch(f"{json_kind(value)}, not {wanted}")


def word(value: Any) -> str:
    """Read a name, an identifier or a state."""
    if isinstance(value, str) and value and value.isprintable() and len(value) <= LONGEST_WORD:
        return value
    raise mismatch(value, f"a text of 1 to {LONGEST_WORD} characters that print")


def kind(value: Any) -> str:
    """Read a word of the service's own, such as a storage type or a state."""
    if isinstance(value, str) and 0 < len(value) <= LONGEST_KIND and value.replace("-", "").isalnum():
        return value
    raise mismatch(value, "a word")


def label(value: Any) -> str:
    """Read a short text that a task wrote, such as a content type."""
    return one_line(text(value), LONGEST_LABEL)


def message(value: Any) -> str:
    """Read a longer text that a task wrote, such as a message."""
    return one_line(text(value))


def free(value: Any) -> str:
    """Read a name for which the service allows any text."""
    return visible(text(value), LONGEST_WORD)


def text(value: Any) -> str:
    """Read any text, unchecked, such as a URL that a task chose: the caller must check it."""
    if isinstance(value, str):
        return value
    raise mismatch(value, "a text")


def url(value: Any) -> str:
    """Read the URL of a body in a store. It is secret, so that the error does not show it."""
    if why := url_problem(text(value)):
        raise SchemaMismatch(f"no URL that can be fetched ({why})")
    return str(value)


def header(value: Any) -> str:
    """Read the value of an HTTP header to send. It may be secret, so that the error does not show it."""
    if isinstance(value, str) and value.isascii() and value.isprintable() and len(value) <= LONGEST_SECRET:
        return value
    raise SchemaMismatch("not a text of printable ASCII")


def certificate(value: Any) -> str:
    """Read the certificate of temporary credentials: the JSON of an object, as text."""
    try:
        document = json.loads(text(value))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise SchemaMismatch("not the JSON of a certificate")
    return str(value)


def timestamp(value: Any) -> str:
    """Read a date-time with a zone, as ISO text."""
    try:
        zone = datetime.fromisoformat(value).tzinfo
    except (TypeError, ValueError):
        zone = None
    if zone is None:
        raise mismatch(value, "a date and time with a zone")
    return str(value)


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
    """Return a reader of text with a number of hexadecimal digits."""

    def read(value: Any) -> str:
        if isinstance(value, str) and len(value) == digits and _HEX.issuperset(value):
            return value
        raise mismatch(value, f"{digits} hexadecimal digits")

    return read

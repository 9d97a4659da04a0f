"""Readers of whole numbers in DAG files, where templates turn them into text, and in connections. Pure."""

from __future__ import annotations

import re
from operator import index
from typing import Any, SupportsIndex

from airflow_provider_taskcluster.exceptions import InvalidInput

# ASCII digits, at most 20, which any size fits into; a form or a template may write 3.0.
_WRITTEN = re.compile(r"([0-9]{1,20})(?:\.0+)?")


def read_count(value: Any) -> int | None:
    """Return a whole number, 0 or more, given as an int, a float or text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, SupportsIndex):
        number = index(value)
        return number if number >= 0 else None
    written = _WRITTEN.fullmatch(str(value).strip()) if isinstance(value, str | float) else None
    return int(written[1]) if written else None


def whole_number(value: Any, argument: str, least: int = 0) -> int:
    """Return the value of an argument as a whole number.

    :param argument: Name of the argument, for the error.
    :param least: The smallest valid number.
    :raises InvalidInput: It is less, or not a whole number.
    """
    number = read_count(value)
    if number is None or number < least:
        raise InvalidInput(f"{argument} is {repr(value)[:100]}: pass a whole number, {least} or more")
    return number


def number_of_bytes(value: Any, argument: str) -> int:
    """Return the value of an argument that is a number of bytes.

    :raises InvalidInput: It is none.
    """
    if (number := read_count(value)) is None:
        raise InvalidInput(f"{argument} is {value!r}: pass a number of bytes")
    return number

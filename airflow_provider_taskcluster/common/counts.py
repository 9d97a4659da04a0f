"""Whole numbers that users give: in DAG files, which templates turn into text, and in connections. Pure."""

from __future__ import annotations

import re
from operator import index
from typing import Any, SupportsIndex

from airflow_provider_taskcluster.exceptions import InvalidInput

# ASCII digits, no more than any size has; a form or a template may write 3.0.
_WRITTEN = re.compile(r"([0-9]{1,20})(?:\.0+)?")


def read(value: Any) -> int | None:
    """Return a whole number from 0, or the one that a text or a float stands for; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, SupportsIndex):
        number = index(value)
        return number if number >= 0 else None
    found = _WRITTEN.fullmatch(str(value).strip()) if isinstance(value, str | float) else None
    return int(found[1]) if found else None


def whole_number(value: Any, what: str, least: int = 0) -> int:
    """Return the value of an argument as a number.

    :param what: Name of the argument, for the error.
    :param least: What it must be at least.
    :raises InvalidInput: It is less, or no whole number.
    """
    number = read(value)
    if number is None or number < least:
        raise InvalidInput(f"{what} is {repr(value)[:100]}: pass a whole number, {least} or more")
    return number

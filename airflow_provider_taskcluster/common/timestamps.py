"""Timestamps as the services store them: UTC, whole milliseconds. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_taskcluster.exceptions import InvalidInput


def utc_datetime(value: Any, name: str) -> datetime:
    """Return a datetime in UTC and whole milliseconds.

    :param name: Name of the value, for the error.
    :raises InvalidInput: It is not a datetime, has no time zone, or is beyond the calendar.
    """
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise InvalidInput(f"{name} must be a datetime with a time zone, not {value!r}")
    try:
        instant: datetime = value.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(f"{name} is {value.isoformat()}, which is beyond the calendar in UTC") from None
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def utc_datetime_after(start: datetime, value: Any, name: str) -> datetime:
    """Return a datetime, or the sum of ``start`` and a timedelta, in UTC and whole milliseconds.

    :param start: The start from which a timedelta counts.
    :param name: Name of the value, for the error.
    :raises InvalidInput: It is neither, has no time zone, or is beyond the calendar.
    """
    if not isinstance(value, timedelta):
        return utc_datetime(value, name)
    try:
        return utc_datetime(start + value, name)
    except OverflowError:
        raise InvalidInput(f"{name} is {value}, which leads too far: shorten it") from None


def iso_timestamp(instant: datetime) -> str:
    """Return the ISO text of a datetime as the services write it: UTC, milliseconds, ``Z``."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

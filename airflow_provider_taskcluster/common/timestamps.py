"""Points in time as the services keep them: UTC, whole milliseconds. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_taskcluster.exceptions import InvalidInput


def utc_datetime(value: Any, what: str) -> datetime:
    """Return a datetime in UTC and whole milliseconds.

    :param what: What it is, for the error.
    :raises InvalidInput: It is no datetime, has no time zone, or is beyond the calendar.
    """
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise InvalidInput(f"{what} must be a datetime with a time zone, not {value!r}")
    try:
        found: datetime = value.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(f"{what} is {value.isoformat()}, which is beyond the calendar in UTC") from None
    return found.replace(microsecond=found.microsecond // 1000 * 1000)


def utc_datetime_after(start: datetime, value: Any, what: str) -> datetime:
    """Return a datetime, or what a timedelta leads to, in UTC and whole milliseconds.

    :param start: What a timedelta counts from.
    :param what: What it is, for the error.
    :raises InvalidInput: It is neither, has no time zone, or is beyond the calendar.
    """
    if not isinstance(value, timedelta):
        return utc_datetime(value, what)
    try:
        return utc_datetime(start + value, what)
    except OverflowError:
        raise InvalidInput(f"{what} is {value}, which leads too far: shorten it") from None


def iso_timestamp(moment: datetime) -> str:
    """Write a date-time the way the services do: UTC, milliseconds, ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

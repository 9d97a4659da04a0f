"""Readers of operator arguments, which templates turn into text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import InvalidInput

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


def expiry(expires: datetime | timedelta | str, context: Context) -> datetime:
    """Return when an upload ends: the same instant in every try of a task, as the identity of an upload demands.

    :param expires: A datetime with a time zone, its ISO text, or a timedelta counted from the start of the DAG run.
    :return: UTC, whole milliseconds.
    :raises InvalidInput: It is none of these.
    """
    if isinstance(expires, timedelta):
        start = context["dag_run"].start_date
        if start is None:
            raise InvalidInput("expires is a timedelta, but this DAG run has no start date: pass a datetime")
        try:
            expires = start + expires
        except OverflowError:
            raise InvalidInput(f"expires is {expires}, which leads too far from the start of the DAG run") from None
    elif isinstance(expires, str):
        expires = _parsed(expires)
    if not isinstance(expires, datetime) or expires.tzinfo is None:
        raise InvalidInput(f"expires must be a timedelta or a datetime with a time zone, not {expires!r}")
    return expires.astimezone(UTC).replace(microsecond=expires.microsecond // 1000 * 1000)


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"expires is {text!r}, which is not an ISO date and time") from None


def run_number(run_id: Any) -> int | None:
    """Return the number of a run; None, "" and ``latest`` mean the latest one.

    :raises InvalidInput: It is neither that nor a number.
    """
    if run_id in (None, "", "None", "latest"):
        return None
    try:
        return int(str(run_id))
    except ValueError:
        raise InvalidInput(f"run_id is {run_id!r}: pass the number of a run, or None for the latest") from None

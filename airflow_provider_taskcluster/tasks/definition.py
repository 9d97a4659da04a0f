"""The definition of a task that a DAG starts (``queue/v1/create-task-request.json``). Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common.timestamps import iso_timestamp, utc_datetime_after
from airflow_provider_taskcluster.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

# The queue takes a task only if it was created within 15 minutes of the queue's clock; some are left for a clock that
# is off, and for the time until the request arrives.
LONGEST_SINCE_CREATED = timedelta(minutes=10)
_METADATA = ("name", "description", "owner", "source")


def created_date(started: datetime | None, now: datetime) -> datetime:
    """Return the date of creation: the start of the DAG run, equal in all tries, as long as the queue takes it.

    :param started: Start of the DAG run; None if it has none.
    :param now: The time of this worker.
    """
    usable = started is not None and timedelta() <= now - started < LONGEST_SINCE_CREATED
    return started if started is not None and usable else now


def complete_definition(
    definition: Mapping[str, Any],
    *,
    metadata: Mapping[str, str],
    created: datetime,
    deadline: timedelta,
    expires: timedelta | None,
) -> dict[str, Any]:
    """Return the definition with its dates and metadata; those that it has already are kept.

    :param definition: Fields of the definition; those that are None are left out.
    :param metadata: ``name``, ``description``, ``owner`` and ``source``.
    :param deadline: From ``created`` to the deadline.
    :param expires: From ``created`` to the expiry; None takes the queue's default, a year after the deadline.
    :raises InvalidInput: The queue cannot carry the definition, or a date is beyond the calendar.
    """
    from airflow_provider_taskcluster.services.task_definitions import check_json

    given = {name: value for name, value in definition.items() if value is not None}
    dates = {"created": created, "deadline": utc_datetime_after(created, deadline, "deadline")}
    if expires is not None:
        dates["expires"] = utc_datetime_after(created, expires, "expires")
    own = given.get("metadata", {})
    complete = {
        **{name: iso_timestamp(date) for name, date in dates.items()},
        **given,
        "metadata": {**metadata, **own} if isinstance(own, dict) else own,
    }
    check_json(complete, "definition")
    return complete


def check_lifetime(value: Any, argument: str) -> timedelta:
    """Return the time from the creation of a task to its deadline or expiry.

    :raises InvalidInput: It is not a timedelta above zero.
    """
    if not isinstance(value, timedelta) or value <= timedelta():
        raise InvalidInput(f"{argument} is {value!r}: pass a timedelta above zero, such as timedelta(hours=2)")
    return value


def optional_lifetime(value: Any, argument: str) -> timedelta | None:
    """Return the same for an argument that may be omitted.

    :raises InvalidInput: It is neither None nor a timedelta above zero.
    """
    return None if value is None else check_lifetime(value, argument)


def check_metadata(metadata: Mapping[str, Any]) -> None:
    """Check the metadata of a definition.

    :raises InvalidInput: A field is not known, or is no text.
    """
    for name, value in metadata.items():
        if name not in _METADATA or not isinstance(value, str):
            raise InvalidInput(f"metadata has {name!r}: {value!r}: it takes {', '.join(_METADATA)}, each a text")

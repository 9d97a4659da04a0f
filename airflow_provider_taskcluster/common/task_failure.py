"""Decides whether an error fails the Airflow task at once, or lets Airflow retry it; and the message of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_taskcluster.common.messages import over_connection, visible
from airflow_provider_taskcluster.common.tracebacks import without_traceback
from airflow_provider_taskcluster.exceptions import TaskclusterError

if TYPE_CHECKING:
    from types import TracebackType


def failure_message(action: str, conn_id: object, why: object) -> str:
    """Return the message of a failed task: the cause, then the action and the connection, which is named once."""
    return f"{_without(conn_id, why)} ({action} {over_connection(conn_id)} failed)"


def last_look_message(conn_id: object, why: object) -> str:
    """Return the part of a sensor's time-out message about the last look."""
    return f"The last look {over_connection(conn_id)}: {_without(conn_id, why)}"


def _without(conn_id: object, why: object) -> str:
    return str(why).replace(f" {over_connection(conn_id)}", "")


class permanent_errors_fail:  # noqa: N801 (reads as a function does)
    """Context manager that turns permanent errors into ``AirflowFailException``, which Airflow does not retry.

    Transient errors are raised as they are. Both messages begin with the cause and name the action, since that is the
    line of a task's log that people read. Tracebacks are logged at level DEBUG only.

    :param action: The action, for the message: ``Upload of object 'a'``.
    :param conn_id: ID of the connection.
    :raises AirflowFailException: With the message of the permanent error.
    """

    def __init__(self, action: str, conn_id: object) -> None:
        self._action = action
        self._conn_id = conn_id

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """End: a context manager of ``contextlib`` would restore the traceback."""
        if not isinstance(error, TaskclusterError):
            return
        sentence = failure_message(self._action, self._conn_id, error)
        short = without_traceback(error)
        if error.transient:
            short.args = (visible(sentence), *error.args[1:])
            raise short from None
        raise AirflowFailException(visible(sentence)) from None  # a second sentence would only hide it

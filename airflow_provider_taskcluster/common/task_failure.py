"""What an error means for the Airflow task: fail at once, or let Airflow try again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_taskcluster.common.messages import over_connection, visible
from airflow_provider_taskcluster.common.tracebacks import without_traceback
from airflow_provider_taskcluster.exceptions import TaskclusterError

if TYPE_CHECKING:
    from types import TracebackType


def failure_message(doing: str, conn_id: object, why: object) -> str:
    """Return the sentence for a task's log: the cause, then what failed by it. It names the connection once."""
    return f"{_without(conn_id, why)} ({doing} {over_connection(conn_id)} failed)"


def last_look_message(conn_id: object, why: object) -> str:
    """Return what a sensor's time-out says of the last look."""
    return f"The last look {over_connection(conn_id)}: {_without(conn_id, why)}"


def _without(conn_id: object, why: object) -> str:
    return str(why).replace(f" {over_connection(conn_id)}", "")


class permanent_errors_fail:  # noqa: N801 (reads as a function does)
    """Turn errors that no retry can cure into the one that Airflow does not retry; let the others rise.

    The sentence of both begins with the cause and names what was tried, since it is all that many people read of a
    task's log. Neither shows how it came about: that is in the log at level DEBUG.

    :param doing: What is tried, and with what: ``Upload of object 'a'``.
    :param conn_id: Id of the connection.
    :raises AirflowFailException: With the sentence of the error it stands for.
    """

    def __init__(self, doing: str, conn_id: object) -> None:
        self._doing = doing
        self._conn_id = conn_id

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """End: a context manager of ``contextlib`` would restore the traceback."""
        if not isinstance(error, TaskclusterError):
            return
        sentence = failure_message(self._doing, self._conn_id, error)
        short = without_traceback(error)
        if error.transient:
            short.args = (visible(sentence), *error.args[1:])
            raise short from None
        raise AirflowFailException(visible(sentence)) from None  # a second sentence would only hide it

"""What an error means for the Airflow task: fail at once, or let Airflow try again."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_taskcluster.exceptions import TaskclusterError
from airflow_provider_taskcluster.texts import over_connection, visible

if TYPE_CHECKING:
    from collections.abc import Iterator


def failed(doing: str, conn_id: object, why: object) -> str:
    """Return the sentence for a task's log, which names the connection once."""
    return f"{doing} {over_connection(conn_id)} failed: {_without(conn_id, why)}"


def last_look(conn_id: object, why: object) -> str:
    """Return what a sensor's time-out says of the last look."""
    return f"The last look {over_connection(conn_id)}: {_without(conn_id, why)}"


def _without(conn_id: object, why: object) -> str:
    return str(why).replace(f" {over_connection(conn_id)}", "")


@contextmanager
def permanent_errors_fail(doing: str, conn_id: object) -> Iterator[None]:
    """Turn errors that no retry can cure into the one that Airflow does not retry; let the others rise.

    The sentence of both begins with what was tried, since it is all that many people read of a task's log.

    :param doing: What is tried, and with what: ``Upload of object 'a'``.
    :param conn_id: Id of the connection.
    :raises AirflowFailException: With the sentence of the error it stands for.
    """
    try:
        yield
    except TaskclusterError as error:
        sentence = failed(doing, conn_id, error)
        if error.transient:
            error.args = (visible(sentence), *error.args[1:])
            raise
        raise AirflowFailException(
            visible(sentence)
        ) from None  # the sentence is whole; a second one would only hide it

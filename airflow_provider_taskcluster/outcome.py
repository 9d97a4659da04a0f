"""What an error means for the Airflow task: fail at once, or let Airflow try again."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_taskcluster.exceptions import TaskclusterError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def permanent_errors_fail() -> Iterator[None]:
    """Turn errors that no retry can cure into the one that Airflow does not retry; let the others rise.

    :raises AirflowFailException: With the sentence of the error it stands for.
    """
    try:
        yield
    except TaskclusterError as error:
        if error.transient:
            raise
        raise AirflowFailException(str(error)) from None  # the sentence is whole; a second one would only hide it

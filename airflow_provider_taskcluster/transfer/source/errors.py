"""Errors of reading a source, as our own type: libraries would take an ``OSError`` for one of the network."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.common.retry import TRY_AGAIN
from airflow_provider_taskcluster.exceptions import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def source_errors(description: str) -> Iterator[None]:
    """Turn an ``OSError`` of reading a source into a SourceError.

    :param description: Name of the source in the error.
    :raises SourceError: The block raised an ``OSError``.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or one_line(error) or type(error).__name__
        raise SourceError(f"The {description} cannot be read: {reason}; {TRY_AGAIN}, if it can be read then") from error

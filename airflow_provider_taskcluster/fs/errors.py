"""Errors that are also those which Python, fsspec and Airflow expect of files."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import Conflict, DestinationError, InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator


class NoSuchFile(NotFound, FileNotFoundError):
    """There is no such object or artifact, or not yet."""


class FileThere(Conflict, FileExistsError):
    """The name is taken, and was wanted for a new object (mode ``x``)."""


class NotDeletable(InvalidInput, ValueError):
    """Objects and artifacts cannot be deleted: the service keeps them until they expire.

    It is a ``ValueError`` because Airflow's ``XComObjectStorageBackend`` goes on after one: a task that is cleared runs
    again, and its old result stays.
    """


class WriteFailed(DestinationError, OSError):
    """What is written cannot be kept on this machine, or is not uploaded because a write to it failed before.

    :param transient: Whether another try of the task may succeed.
    """

    def __init__(self, message: str, *, transient: bool = True) -> None:
        super().__init__(message)
        self.transient = transient


@contextmanager
def missing_is_no_file() -> Iterator[None]:
    """Let what is not found be a ``FileNotFoundError`` as well."""
    try:
        yield
    except NoSuchFile:
        raise
    except NotFound as error:
        raise NoSuchFile(str(error), status=error.status, code=error.code) from None


@contextmanager
def failed_writes() -> Iterator[None]:
    """Let an error of the disk be an ``OSError`` with its number as well."""
    try:
        yield
    except DestinationError as error:
        failure = WriteFailed(str(error))
        failure.errno = getattr(error.__cause__, "errno", None)
        raise failure from error.__cause__

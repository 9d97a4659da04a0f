"""Errors that are also the built-in ones which Python, fsspec and Airflow expect of files."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import Conflict, DestinationError, InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator


class NoSuchFile(NotFound, FileNotFoundError):
    """The object or artifact does not exist, or not yet."""


class FileThere(Conflict, FileExistsError):
    """The object exists, and the file was opened for a new one (mode ``x``)."""


class NotDeletable(InvalidInput, ValueError):
    """Objects and artifacts cannot be deleted: the service keeps them until they expire.

    It is a ``ValueError`` because Airflow's ``XComObjectStorageBackend`` ignores one, so that a cleared task can run
    again; its old result stays.
    """


class WriteFailed(DestinationError, OSError):
    """The temporary file cannot be written, or is not uploaded because an earlier write failed.

    :param transient: Whether another try of the task may succeed.
    """

    def __init__(self, message: str, *, transient: bool = True) -> None:
        super().__init__(message)
        self.transient = transient


@contextmanager
def missing_is_no_file() -> Iterator[None]:
    """Turn ``NotFound`` into ``NoSuchFile``, which is also a ``FileNotFoundError``."""
    try:
        yield
    except NotFound as error:
        raise NoSuchFile(str(error), status=error.status, code=error.code) from None


@contextmanager
def failed_writes() -> Iterator[None]:
    """Turn ``DestinationError`` into ``WriteFailed``, which is also an ``OSError`` with its errno."""
    try:
        yield
    except DestinationError as error:
        failure = WriteFailed(str(error))
        failure.errno = getattr(error.__cause__, "errno", None)
        raise failure from error.__cause__

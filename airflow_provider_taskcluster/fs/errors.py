"""Errors that are also those which Python and fsspec expect of files."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator


class NoSuchFile(NotFound, FileNotFoundError):
    """There is no such object or artifact, or not yet."""


class FileThere(Conflict, FileExistsError):
    """The name is taken, and was wanted for a new object (mode ``x``)."""


@contextmanager
def missing_is_no_file() -> Iterator[None]:
    """Let what is not found be a ``FileNotFoundError`` as well."""
    try:
        yield
    except NoSuchFile:
        raise
    except NotFound as error:
        raise NoSuchFile(str(error), status=error.status, code=error.code) from None

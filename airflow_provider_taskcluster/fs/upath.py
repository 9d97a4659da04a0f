"""Path class for universal-pathlib, which ``ObjectStoragePath`` of Airflow 3 uses."""

from __future__ import annotations

from fsspec import register_implementation
from upath import UPath

from airflow_provider_taskcluster.fs.filesystem import TaskclusterFileSystem

# UPath guesses how to parse paths if their filesystem class is not registered.
register_implementation("taskcluster", TaskclusterFileSystem, clobber=True)


class TaskclusterPath(UPath):
    """A ``taskcluster://`` path; registered as entry point in ``universal_pathlib.implementations``."""

    __slots__ = ()

"""Paths of universal-pathlib, which ``ObjectStoragePath`` of Airflow 3 wraps."""

from __future__ import annotations

from fsspec import register_implementation
from upath import UPath

from airflow_provider_taskcluster.fs.filesystem import TaskclusterFileSystem

# UPath guesses the rules of paths where it does not find the class of their filesystem loaded.
register_implementation("taskcluster", TaskclusterFileSystem, clobber=True)


class TaskclusterPath(UPath):
    """A path of the filesystem; found by the entry point group ``universal_pathlib.implementations``."""

    __slots__ = ()

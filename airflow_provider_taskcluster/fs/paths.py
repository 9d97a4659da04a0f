"""Parsing of the filesystem's paths. Pure.

::

    objects/<name>
    artifacts/<taskId>/<number of the run, or latest>/<name>

Names are not percent-encoded. fsspec strips slashes at the end of a path, so names that end with one cannot be used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.exceptions import InvalidInput

OBJECTS = "objects"
ARTIFACTS = "artifacts"
LATEST = "latest"


@dataclass(frozen=True)
class Root:
    """The root, with the folders ``objects`` and ``artifacts``."""


@dataclass(frozen=True)
class ObjectPath:
    """An object. Without a name, the folder of all objects."""

    name: str = ""


@dataclass(frozen=True)
class ArtifactPath:
    """An artifact, or a folder of artifacts. Without name, a run; without run, a task; without task, all tasks."""

    task_id: str = ""
    run: str = ""
    name: str = ""

    @property
    def run_id(self) -> int | None:
        """Number of the run, None for the latest."""
        return None if self.run == LATEST else int(self.run)


# Python limits the digits that it converts to a number.
_RUN = re.compile(r"[0-9]{1,20}")
ParsedPath = Root | ObjectPath | ArtifactPath


def split_connection(path: str) -> tuple[str | None, str]:
    """Split a path without scheme into the connection id before an ``@``, None if there is none, and the rest."""
    kind, slash, rest = path.partition("/")
    conn_id, _, kind = kind.rpartition("@")
    return conn_id or None, kind + slash + rest


def split_url(path: str) -> tuple[str | None, str]:
    """Split a path or URL into its connection id, None if there is none, and the path in the filesystem."""
    path = path.removeprefix("taskcluster://").removeprefix("taskcluster::").rstrip("/")
    conn_id, path = split_connection(path)
    path = path.removeprefix("/")  # Airflow 2 adds it
    path = path.removeprefix("taskcluster:").removeprefix("/")  # UPath shortens paths below the root to this
    return conn_id, "" if path == "." else path.removeprefix("./")  # pathlib makes "." of an empty path


def parse_path(path: str) -> ParsedPath:
    """Parse a path of the filesystem.

    :raises InvalidInput: It is not a valid path.
    """
    kind, _, rest = path.partition("/")
    if not kind:
        return Root()
    if kind == OBJECTS:
        return ObjectPath(names.object_name(rest) if rest else "")
    if kind != ARTIFACTS:
        raise InvalidInput(f"{path!r} is no path here: write {OBJECTS}/<name> or {ARTIFACTS}/<taskId>/{LATEST}/<name>")
    task_id, _, rest = rest.partition("/")
    run, _, name = rest.partition("/")
    if task_id:
        names.task_id(task_id)
    if run and run != LATEST and not _RUN.fullmatch(run):
        raise InvalidInput(f"{run[:100]!r} in {path[:200]!r} is no run: write its number, or {LATEST}")
    return ArtifactPath(task_id, run, names.artifact_name(name) if name else "")

"""Paths of the filesystem, and what they stand for. Pure.

::

    objects/<name>
    artifacts/<taskId>/<number of the run, or latest>/<name>

Names are taken as they are, not percent-encoded. fsspec cuts slashes off the end of a path, so names that end with one
cannot be reached here.
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
    """The root, which holds the two rooms."""


@dataclass(frozen=True)
class ObjectPlace:
    """An object. Without a name, the room of all objects."""

    name: str = ""


@dataclass(frozen=True)
class ArtifactPlace:
    """An artifact, or a folder of them. Without a name, a run; without a run, a task; without a task, all of them."""

    task_id: str = ""
    run: str = ""
    name: str = ""

    @property
    def run_id(self) -> int | None:
        """Number of the run, None for the latest."""
        return None if self.run == LATEST else int(self.run)


# No more digits than Python reads as a number.
_RUN = re.compile(r"[0-9]{1,20}")
Place = Root | ObjectPlace | ArtifactPlace


def connection_in(path: str) -> tuple[str | None, str]:
    """Split a path without scheme into the id of the connection, if it names one before an ``@``, and the rest."""
    room, slash, rest = path.partition("/")
    conn_id, _, room = room.rpartition("@")
    return conn_id or None, room + slash + rest


def stripped(path: str) -> tuple[str | None, str]:
    """Return the id of the connection that a path or URL names, and where in the filesystem it leads."""
    path = path.removeprefix("taskcluster://").removeprefix("taskcluster::").rstrip("/")
    conn_id, place = connection_in(path)
    place = place.removeprefix("/")  # of Airflow 2's paths
    place = place.removeprefix("taskcluster:").removeprefix("/")  # below the root, as UPath shortens it
    return conn_id, "" if place == "." else place.removeprefix("./")  # what pathlib makes of an empty path


def located(path: str) -> Place:
    """Return what a path stands for.

    :raises InvalidInput: It cannot stand for anything.
    """
    room, _, rest = path.partition("/")
    if not room:
        return Root()
    if room == OBJECTS:
        return ObjectPlace(names.object_name(rest) if rest else "")
    if room != ARTIFACTS:
        raise InvalidInput(f"{path!r} is no path here: write {OBJECTS}/<name> or {ARTIFACTS}/<taskId>/{LATEST}/<name>")
    task_id, _, rest = rest.partition("/")
    run, _, name = rest.partition("/")
    if task_id:
        names.task_id(task_id)
    if run and run != LATEST and not _RUN.fullmatch(run):
        raise InvalidInput(f"{run[:100]!r} in {path[:200]!r} is no run: write its number, or {LATEST}")
    return ArtifactPlace(task_id, run, names.artifact_name(name) if name else "")

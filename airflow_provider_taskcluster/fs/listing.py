"""Folder listings from the flat list of a run's artifacts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_taskcluster.services.schemas import ArtifactInfo

# fsspec's metadata of one path.
Entry = dict[str, Any]


def directory_entry(path: str) -> Entry:
    """Return the entry of a folder."""
    return {"name": path, "size": 0, "type": "directory"}


def artifact_entry(path: str, info: ArtifactInfo) -> Entry:
    """Return the entry of an artifact. Its size is None if the queue does not list it, as for objects."""
    return {
        "name": path,
        "size": info.get("contentLength"),
        "type": "other" if info["storageType"] == "error" else "file",
        "content_type": info["contentType"],
        "storage_type": info["storageType"],
        "expires": info["expires"],
    }


def entries(run: str, folder: str, artifacts: Iterable[ArtifactInfo]) -> list[Entry]:
    """Return the entries directly in a folder.

    A folder cannot have an empty name: ``a//b`` is the file ``/b`` in the folder ``a``.

    :param run: Path of the run.
    :param folder: Name of the folder in the run, "" for the run itself.
    :param artifacts: All artifacts of the run.
    """
    prefix = f"{folder}/" if folder else ""
    by_path: dict[str, Entry] = {}
    for info in artifacts:
        if not info["name"].startswith(prefix):
            continue
        first, slash, _ = info["name"][len(prefix) :].partition("/")
        if first and slash:
            path = f"{run}/{prefix}{first}"
            by_path.setdefault(f"{path}/", directory_entry(path))
        else:
            path = "/".join([run, info["name"]])
            by_path[path] = artifact_entry(path, info)
    return list(by_path.values())

"""The module that the provider's metadata names in ``filesystems``: schemes, and ``get_fs``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_taskcluster.fs.filesystem import TaskclusterFileSystem

schemes = ["taskcluster"]


def get_fs(conn_id: str | None = None, storage_options: Mapping[str, Any] | None = None) -> TaskclusterFileSystem:
    """Return the filesystem of a connection.

    :param conn_id: ``taskcluster_default`` if None.
    :param storage_options: Arguments of :class:`TaskclusterFileSystem`.
    """
    from airflow_provider_taskcluster.fs.filesystem import TaskclusterFileSystem

    return TaskclusterFileSystem(conn_id, **(storage_options or {}))

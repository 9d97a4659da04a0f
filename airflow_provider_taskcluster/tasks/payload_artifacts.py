"""Artifacts that a worker publishes from files of the task, for its payload. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.arguments import choice
from airflow_provider_taskcluster.common.checks import needs_rendering
from airflow_provider_taskcluster.tasks.payload_fields import (
    expiry_text,
    filled_text,
    given_fields,
    is_rendered_whole,
    published_name,
    switch,
)

if TYPE_CHECKING:
    from datetime import datetime


def file_artifact(
    path: str,
    name: str | None = None,
    *,
    expires: datetime | str | None = None,
    content_type: str | None = None,
    content_encoding: Literal["identity", "gzip"] | None = None,
    optional: bool | None = None,
) -> dict[str, Any]:
    """Return a file that the worker publishes as an artifact once the commands have ended.

    :param path: generic-worker: relative to the folder of the task. docker-worker: an absolute path in the container.
    :param name: Name of the artifact, which anybody may read if it begins with ``public/``; by default the path.
        docker-worker needs it.
    :param expires: A datetime with a time zone, or ISO text; by default the artifact expires with the task.
    :param content_type: For generic-worker; by default the worker guesses it from the name of the file.
    :param content_encoding: For generic-worker: how the artifact is stored. By default ``gzip``, and ``identity`` for
        file formats that are compressed.
    :param optional: For generic-worker: if True, the task does not fail if there is no such file.
    :raises InvalidInput: An argument is invalid.
    """
    return _artifact("file", path, name, expires, content_type, content_encoding, optional)


def directory_artifact(
    path: str,
    name: str | None = None,
    *,
    expires: datetime | str | None = None,
    content_type: str | None = None,
    content_encoding: Literal["identity", "gzip"] | None = None,
    optional: bool | None = None,
) -> dict[str, Any]:
    """Return a folder whose files, also in folders below it, the worker publishes as ``<name>/<path in the folder>``.

    The arguments are those of ``file_artifact``, and count for each file.

    :raises InvalidInput: An argument is invalid.
    """
    return _artifact("directory", path, name, expires, content_type, content_encoding, optional)


def _artifact(kind: str, *values: Any) -> dict[str, Any]:
    path, name, expires, content_type, content_encoding, optional = values
    filled_text(path, "path")
    return {"type": kind, "path": path} | given_fields(
        {
            "name": (published_name, name, "name"),
            "expires": (expiry_text, expires, "expires"),
            "contentType": (_content_type, content_type, "content_type"),
            "contentEncoding": (_content_encoding, content_encoding, "content_encoding"),
            "optional": (switch, optional, "optional"),
        }
    )


def _content_type(value: Any, argument: str) -> Any:
    return value if needs_rendering(filled_text(value, argument)) else names.content_type(value)


def _content_encoding(value: Any, argument: str) -> Any:
    return value if is_rendered_whole(value) else choice(value, argument, ("identity", "gzip"))

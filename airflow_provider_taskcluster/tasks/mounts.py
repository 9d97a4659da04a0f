"""Files, folders and caches that generic-worker puts into the folder of a task before it runs the commands. Pure."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.arguments import choice
from airflow_provider_taskcluster.common.checks import needs_rendering
from airflow_provider_taskcluster.common.redaction import public_url
from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.tasks.payload_fields import (
    any_text,
    filled_text,
    given_fields,
    helper_result,
    is_rendered_whole,
    published_name,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

# Characters of a file that is written in a payload, base64 included.
LONGEST_INLINE = 65536
_FORMATS = ("rar", "tar.bz2", "tar.gz", "tar.xz", "tar.zst", "zip")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def file_mount(file: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a file that the worker writes before the commands run.

    :param file: Path in the folder of the task.
    :param content: What ``artifact_content``, ``indexed_content``, ``url_content`` or ``inline_content`` returned.
    :raises InvalidInput: An argument is invalid.
    """
    return {"file": filled_text(file, "file"), "content": helper_result(content, "content")}


def directory_mount(directory: str, content: Mapping[str, Any], archive_format: str) -> dict[str, Any]:
    """Return a folder that the worker extracts from an archive before the commands run.

    :param directory: Path in the folder of the task.
    :param content: The archive: what ``artifact_content``, ``indexed_content``, ``url_content`` or ``inline_content``
        returned.
    :param archive_format: ``rar``, ``tar.bz2``, ``tar.gz``, ``tar.xz``, ``tar.zst`` or ``zip``.
    :raises InvalidInput: An argument is invalid.
    """
    return {
        "directory": filled_text(directory, "directory"),
        "content": helper_result(content, "content"),
        "format": _format(archive_format, "archive_format"),
    }


def cache_mount(
    directory: str,
    cache_name: str,
    content: Mapping[str, Any] | None = None,
    archive_format: str | None = None,
) -> dict[str, Any]:
    """Return a folder that the worker keeps for later tasks. Scope of the task: ``generic-worker:cache:<cache_name>``.

    :param directory: Path in the folder of the task.
    :param cache_name: Name of the cache on the worker.
    :param content: An archive, of which the worker makes the cache where it has none.
    :param archive_format: Format of that archive, as for ``directory_mount``.
    :raises InvalidInput: An argument is invalid, or only one of ``content`` and ``archive_format`` is given.
    """
    if (content is None) != (archive_format is None):
        raise InvalidInput("A cache that begins with content needs both: pass content and archive_format, or neither")
    return {
        "directory": filled_text(directory, "directory"),
        "cacheName": filled_text(cache_name, "cache_name"),
    } | given_fields(
        {"content": (helper_result, content, "content"), "format": (_format, archive_format, "archive_format")}
    )


def artifact_content(task_id: str, artifact: str, sha256: str | None = None) -> dict[str, Any]:
    """Return the content of an artifact. Scope of the task, for private ones: ``queue:get-artifact:<artifact>``.

    :param task_id: ID of a Taskcluster task; the worker takes its latest run.
    :param sha256: If given, the worker refuses other content.
    :raises InvalidInput: An argument is invalid.
    """
    if not needs_rendering(task_id):
        names.task_id(task_id)
    return {"taskId": task_id, "artifact": published_name(artifact, "artifact")} | _sha256(sha256)


def indexed_content(namespace: str, artifact: str) -> dict[str, Any]:
    """Return the content of an artifact of the task that is indexed at a path when the worker begins.

    :param namespace: The index path, such as ``my-team.builds.latest``.
    :raises InvalidInput: An argument is invalid.
    """
    if not needs_rendering(namespace):
        names.index_path(namespace)
    return {"namespace": namespace, "artifact": published_name(artifact, "artifact")}


def url_content(url: str, sha256: str | None = None) -> dict[str, Any]:
    """Return the content at a URL, which the worker fetches without credentials.

    :param sha256: If given, the worker refuses other content.
    :raises InvalidInput: An argument is invalid.
    """
    if not needs_rendering(filled_text(url, "url")) and not url.startswith(("https://", "http://")):
        raise InvalidInput(f"url is {public_url(url)!r}: pass a URL that begins with https:// or http://")
    return {"url": url} | _sha256(sha256)


def inline_content(data: str | bytes) -> dict[str, Any]:
    """Return content that the payload itself holds. Everybody who can read the task can read it.

    :param data: Text, stored as it is, or bytes, stored as base64.
    :raises InvalidInput: It is of another type, or longer than 64 KiB as stored.
    """
    name, written = ("base64", base64.b64encode(data).decode()) if isinstance(data, bytes) else ("raw", data)
    if isinstance(any_text(written, "data"), str) and len(written) > LONGEST_INLINE:
        raise InvalidInput(f"data has {len(written)} characters as stored, over {LONGEST_INLINE}: pass url_content")
    return {name: written}


def _format(value: Any, argument: str) -> Any:
    return value if is_rendered_whole(value) else choice(value, argument, _FORMATS)


def _sha256(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not needs_rendering(filled_text(value, "sha256")) and not _SHA256.fullmatch(value):
        raise InvalidInput(f"sha256 is {value!r}: pass 64 digits 0-9 and a-f")
    return {"sha256": value}

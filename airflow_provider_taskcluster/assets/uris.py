"""URIs of assets. Pure.

::

    taskcluster://objects/<name>
    taskcluster://artifacts/<taskId>/<number of the run, or latest>/<name>

They are the URLs of ``ObjectStoragePath`` without the connection: an asset is the same through each connection. Names
are percent-encoded where a URI requires it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from urllib.parse import SplitResult

SCHEME = "taskcluster"
KINDS = ("objects", "artifacts")
_UNQUOTED = "/!$&'()*+,;=:@~"


def object_uri(name: str) -> str:
    """Return the URI of an object."""
    return f"{SCHEME}://objects/{_encoded(name)}"


def folder_uri(prefix: str) -> str | None:
    """Return the URI of all objects under a prefix; None if the prefix is empty."""
    return object_uri(prefix.rstrip("/")) if prefix.strip("/") else None


def artifact_uri(task_id: str, name: str, run_id: int | None = None) -> str:
    """Return the URI of an artifact, or of all artifacts if the name is ""; a ``run_id`` of None is the latest run."""
    return f"{SCHEME}://artifacts/{task_id}/{'latest' if run_id is None else run_id}/{_encoded(name)}".rstrip("/")


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """Normalize a URI for Airflow (``handler`` in the provider's metadata): no connection, one encoding of the name.

    :raises ValueError: It is not the URI of an object or artifact; the message shows the format.
    """
    kind, path = uri.netloc.rpartition("@")[2], uri.path
    if not kind:  # ObjectStoragePath of Airflow 2 writes taskcluster:///objects/...
        kind, _, path = path.lstrip("/").partition("/")
        path = f"/{path}"
    if kind not in KINDS or not path.strip("/"):
        raise ValueError(
            f"{uri.geturl()!r} names no object or artifact: "
            f"write {SCHEME}://objects/<name> or {SCHEME}://artifacts/<taskId>/latest/<name>"
        )
    return uri._replace(netloc=kind, path=_encoded(unquote(path.rstrip("/"))))


def _encoded(name: str) -> str:
    encoded = quote(name, safe=_UNQUOTED)
    trailing = len(name) - len(name.rstrip("/"))  # Airflow strips slashes at the end of a URI
    return encoded[: len(encoded) - trailing] + "%2F" * trailing

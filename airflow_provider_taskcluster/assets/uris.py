"""URIs of assets. Pure.

::

    taskcluster://objects/<name>
    taskcluster://artifacts/<taskId>/<number of the run, or latest>/<name>

They are the URLs of ``ObjectStoragePath`` without the connection: the same asset through whichever connection. What a
URI cannot carry in a name is percent-encoded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from urllib.parse import SplitResult

SCHEME = "taskcluster"
ROOMS = ("objects", "artifacts")
_PLAIN = "/!$&'()*+,;=:@~"


def object_uri(name: str) -> str:
    """Return the URI of an object."""
    return f"{SCHEME}://objects/{_encoded(name)}"


def folder_uri(prefix: str) -> str | None:
    """Return the URI of all objects under a prefix; None without one, as nothing names them then."""
    return object_uri(prefix.rstrip("/")) if prefix.strip("/") else None


def artifact_uri(task_id: str, name: str, run_id: int | None = None) -> str:
    """Return the URI of an artifact; a ``run_id`` of None is the latest run, without a name it is of all artifacts."""
    return f"{SCHEME}://artifacts/{task_id}/{'latest' if run_id is None else run_id}/{_encoded(name)}".rstrip("/")


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """Normalize a URI for Airflow (``handler`` in the provider's metadata): without connection, one spelling of a name.

    :raises ValueError: It is no URI of an object or artifact; says how one looks.
    """
    room, path = uri.netloc.rpartition("@")[2], uri.path
    if not room:  # ObjectStoragePath of Airflow 2 writes taskcluster:///objects/...
        room, _, path = path.lstrip("/").partition("/")
        path = f"/{path}"
    if room not in ROOMS or not path.strip("/"):
        raise ValueError(
            f"{uri.geturl()!r} names no object or artifact: "
            f"write {SCHEME}://objects/<name> or {SCHEME}://artifacts/<taskId>/latest/<name>"
        )
    return uri._replace(netloc=room, path=_encoded(unquote(path.rstrip("/"))))


def _encoded(name: str) -> str:
    encoded = quote(name, safe=_PLAIN)
    ends = len(name) - len(name.rstrip("/"))  # Airflow cuts slashes off the end of a URI
    return encoded[: len(encoded) - ends] + "%2F" * ends

"""Checks of names and IDs, before they are sent to a service. Pure.

The patterns come from the published schemas; limits beyond them (path segments, key length) were observed on real
services.
"""

from __future__ import annotations

import re

from airflow_provider_taskcluster.exceptions import InvalidInput, InvalidName

# Bytes of a key in a store, at most.
LONGEST_NAME = 1024
SLUGID = re.compile(r"[A-Za-z0-9_-]{8}[Q-T][A-Za-z0-9_-][CGKOSWaeimquy26-][A-Za-z0-9_-]{10}[AQgw]")
_PRINTABLE_ASCII = re.compile(r"[\x20-\x7e]+")
_PROJECT_ID = re.compile(r"[a-zA-Z0-9._/-]{1,500}")
_INDEX_PATH = re.compile(r"[a-zA-Z0-9_!~*'()%-]+(\.[a-zA-Z0-9_!~*'()%-]+)*")
LONGEST_INDEX_PATH = 255
# Prefix of the routes by which tasks are indexed.
ROUTE_PREFIX = "index."
_HOOK_GROUP_ID = re.compile(r"[a-zA-Z0-9_-]{1,1000}")
_HOOK_ID = re.compile(r"[a-zA-Z0-9_/-]{1,1000}")
_POOL_PART = re.compile(r"[a-zA-Z0-9_-]{1,38}")
# A media type of RFC 9110, in ASCII; the service fails with any other.
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 (of HTTP, not of access)
_QUOTED = r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*"'
_CONTENT_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN}(?: *; *{_TOKEN}=(?:{_TOKEN}|{_QUOTED}))*")
# It goes into manifests of parts, and into XCom with the results.
LONGEST_CONTENT_TYPE = 1000
# Characters of a client ID. The queue puts the name of an object artifact into a temporary client ID.
_CLIENT_ID_CHARACTERS = re.compile(r"[A-Za-z0-9!@/:.+|_-]*")


def object_name(name: str) -> str:
    """Return the name if the object service and its store can carry it.

    :raises InvalidName: Says what is wrong with it.
    """
    return _checked_name(name, "object")


def folder_prefix(prefix: str) -> str:
    """Return the prefix of the names of all objects in a folder, with a trailing slash: ``a/b`` becomes ``a/b/``.

    :raises InvalidName: It is not a string.
    """
    if not isinstance(prefix, str):
        raise InvalidName(f"A prefix of names must be a string, not {prefix!r}")
    return prefix if not prefix or prefix.endswith("/") else f"{prefix}/"


def artifact_name(name: str) -> str:
    """Return the name if the queue and its stores can carry it.

    :raises InvalidName: Says what is wrong with it.
    """
    return _checked_name(name, "artifact")


def object_artifact_name(name: str) -> str:
    """Return the name if the queue can create an object artifact with it.

    :raises InvalidName: Says what is wrong with it.
    """
    if "'" in artifact_name(name):
        raise InvalidName(
            f"The artifact name {name!r} has an apostrophe, with which the queue can create no object artifact (it "
            f"answers 500): rename the artifact, or publish it with storage_type='s3'"
        )
    return name


def _checked_name(name: str, kind: str) -> str:
    if not isinstance(name, str) or not name:
        raise InvalidName(f"An {kind} name must be a string that is not empty, not {name!r}")
    if not _PRINTABLE_ASCII.fullmatch(name):
        raise InvalidName(f"The {kind} name {name!r} has characters outside printable ASCII; rename the {kind}")
    if len(name) > LONGEST_NAME:
        raise InvalidName(
            f"The {kind} name {name[:60]!r}... has over {LONGEST_NAME} bytes, more than stores take; shorten it"
        )
    if {".", ".."} & set(name.split("/")):
        raise InvalidName(
            f"The {kind} name {name!r} has a '.' or '..' segment, which does not survive a URL; rename the {kind}"
        )
    return name


def fits_client_id(text: str) -> bool:
    """Tell whether a text has only characters that a client ID may have."""
    return _CLIENT_ID_CHARACTERS.fullmatch(text) is not None


def task_id(value: str) -> str:
    """Return the task ID if it is well-formed (a v4 slugid).

    :raises InvalidInput: It is not.
    """
    if not isinstance(value, str) or not SLUGID.fullmatch(value):
        raise InvalidInput(f"{value!r} is not a task ID: those have 22 characters, such as fN1SbArXTPSVFNUvaOlinQ")
    return value


def upload_id(value: str) -> str:
    """Return the uploadId if it is well-formed (a v4 slugid).

    :raises InvalidInput: It is not; the error does not show it.
    """
    if not isinstance(value, str) or not SLUGID.fullmatch(value):
        raise InvalidInput("upload_id is not a v4 slugid: those have 22 characters, such as fN1SbArXTPSVFNUvaOlinQ")
    return value


def project_id(value: str | None, conn_id: str) -> str:
    """Return the project ID of an upload.

    :param conn_id: ID of the connection in which one can be set, for the error.
    :raises InvalidInput: There is none, or the service does not accept its characters.
    """
    if not value:
        raise InvalidInput(f"An upload needs a project ID: pass project_id, or set it in connection {conn_id!r}")
    if not isinstance(value, str) or not _PROJECT_ID.fullmatch(value):
        raise InvalidInput(f"{value!r} is not a project ID: 1 to 500 letters, digits, '.', '_', '/' or '-'")
    return value


def content_type(value: str) -> str:
    """Return the content type of an upload, checked: the service responds to an invalid one with a 500.

    :raises InvalidInput: It is not of the form ``type/subtype; name=value``, or too long.
    """
    if not isinstance(value, str) or len(value) > LONGEST_CONTENT_TYPE or not _CONTENT_TYPE.fullmatch(value):
        raise InvalidInput(
            f"{repr(value)[:100]} is not a content type: write it as type/subtype, such as text/plain, or with "
            f"parameters as text/plain; charset=utf-8, in {LONGEST_CONTENT_TYPE} characters at most"
        )
    return value


def secret_name(value: str) -> str:
    """Return the name if the secrets service can have a secret under it: any text of printable ASCII.

    :raises InvalidName: It is none.
    """
    if not isinstance(value, str) or not _PRINTABLE_ASCII.fullmatch(value):
        raise InvalidName(f"{repr(value)[:200]} is no name of a secret: pass printable ASCII characters")
    return value


def index_path(value: str) -> str:
    """Return the index path of a task, which is its route without the leading ``index.``.

    :raises InvalidInput: The index does not accept it, or it is a whole route.
    """
    if isinstance(value, str) and value.startswith(ROUTE_PREFIX):
        path = repr(value.removeprefix(ROUTE_PREFIX)[:60])
        raise InvalidInput(f"{value[:60]!r} is a route: {ROUTE_PREFIX!r} is not a part of the index path, write {path}")
    if not isinstance(value, str) or not _INDEX_PATH.fullmatch(value) or len(value) > LONGEST_INDEX_PATH:
        raise InvalidInput(
            f"{str(value)[:60]!r} is not an index path: names of letters, digits and _!~*'()%- between dots, such as "
            f"my-team.builds.latest, {LONGEST_INDEX_PATH} characters at most"
        )
    return value


def hook_group_id(value: str) -> str:
    """Return the id of a group of hooks, checked.

    :raises InvalidInput: The service does not accept it.
    """
    if not isinstance(value, str) or not _HOOK_GROUP_ID.fullmatch(value):
        raise InvalidInput(f"{repr(value)[:100]} is not the id of a group of hooks: letters, digits, '_' and '-'")
    return value


def hook_id(value: str) -> str:
    """Return the id of a hook, checked.

    :raises InvalidInput: The service does not accept it.
    """
    if not isinstance(value, str) or not _HOOK_ID.fullmatch(value):
        raise InvalidInput(f"{repr(value)[:100]} is not the id of a hook: letters, digits, '_', '-' and '/'")
    return value


def worker_pool_id(
    pool: str | None = None, *, provisioner_id: str | None = None, worker_type: str | None = None
) -> str:
    """Return the worker pool ID, given whole or in its two parts.

    :raises InvalidInput: Both forms or none are given, or the service does not accept the characters of a part.
    """
    check_pool_given(pool, provisioner_id, worker_type)
    pool = pool if pool is not None else f"{provisioner_id}/{worker_type}"
    halves = str(pool).split("/")
    if len(halves) != 2 or not all(_POOL_PART.fullmatch(half) for half in halves):  # noqa: PLR2004 (two halves)
        raise InvalidInput(
            f"{pool!r} is not a worker pool ID: write provisioner/worker-type, each 1 to 38 letters, digits, '_' or '-'"
        )
    return pool


def check_pool_given(pool: str | None, provisioner_id: str | None, worker_type: str | None) -> None:
    """Check that a worker pool is named in one way.

    :raises InvalidInput: Both forms or none are given.
    """
    parts = (provisioner_id, worker_type)
    if (pool is None) == (parts == (None, None)) or (pool is None and None in parts):
        raise InvalidInput("Name the worker pool by worker_pool_id, or by provisioner_id and worker_type")

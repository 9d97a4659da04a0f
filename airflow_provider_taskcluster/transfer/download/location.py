"""Locates the bytes of an artifact at the queue, and works around its faults with some names.

The queue's credentials for an object artifact have the artifact's name in their client id. A name with a character that
no client id may have makes them useless: the object service fails on them, or they cannot sign. The redirect for
browsers leads to the same bytes, but has no hashes.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.common.names import fits_client_id
from airflow_provider_taskcluster.common.redaction import public_url
from airflow_provider_taskcluster.exceptions import ConnectionFailed, InsufficientScopes, NotFound, ServiceUnavailable

if TYPE_CHECKING:
    from airflow_provider_taskcluster.transfer.model import ArtifactService, Json

log = logging.getLogger(__name__)

_SERVER_ERROR = 500
# Pseudo storage type of an artifact that is fetched by its plain URL; the space keeps it apart from real ones.
PLAIN_URL = "plain URL"
# Characters in names of public s3 artifacts for which the queue makes a URL that its own schema refuses.
_NO_URL = frozenset("[]|")


@dataclass(frozen=True)
class ArtifactId:
    """Identifies an artifact; as text, the subject of an error message."""

    task_id: str
    name: str
    run_id: int | None

    def __str__(self) -> str:
        run = "the latest run" if self.run_id is None else f"run {self.run_id}"
        return f"Artifact {self.name!r} of task {self.task_id} ({run})"


def locate(service: ArtifactService, artifact: ArtifactId) -> Json:
    """Ask the queue where the bytes are; links are followed.

    :return: The queue's response (``queue/v1/artifact-content-response.json``). For an object with useless credentials,
        the storage type ``PLAIN_URL`` with a URL, and the object's name if it is known.
    """
    odd = not fits_client_id(artifact.name) or _NO_URL & set(artifact.name)
    response = _content_of_odd_name(service, artifact) if odd else _content(service, artifact)
    if response["storageType"] == "object" and not fits_client_id(response["credentials"].get("clientId", "")):
        log.warning(
            "The credentials for artifact %r are of no use, since its name has characters that no client id takes. "
            "Fetching it by its plain URL, without a hash to check it by",
            artifact.name,
        )
        return {"name": response["name"], **_redirect(service, artifact)}
    if response["storageType"] == "s3":
        return {**response, "url": _escaped(artifact, response["url"])}
    return response


def origin(response: Json) -> str:
    """Return what identifies the located bytes: an object's name, or a URL without its signature."""
    return str(response.get("name") or public_url(response.get("url", "")))


def _content(service: ArtifactService, artifact: ArtifactId, *, once: bool = False) -> Json:
    return service.artifact_content(artifact.task_id, artifact.name, artifact.run_id, once=once)


def _content_of_odd_name(service: ArtifactService, artifact: ArtifactId) -> Json:
    """Ask for the content; on a 500, which the name may cause for good, try the redirect.

    The redirect of a reference leads to a URL that the task chose, which the caller may not allow. So the redirect is
    used only for an object or a private s3 artifact; for any other artifact the queue's error stands.
    """
    try:
        return _content(service, artifact, once=True)
    except ServiceUnavailable as error:
        if error.status == _SERVER_ERROR:
            storage_type = _storage_type(service, artifact)
            if storage_type == "object" or (storage_type == "s3" and not _is_public(artifact)):
                return _redirect(service, artifact)
            if storage_type == "s3" and _NO_URL & set(artifact.name):
                raise _no_url(artifact, error) from None
    except ConnectionFailed:  # asked again below, with retries
        pass
    return _content(service, artifact)


def _storage_type(service: ArtifactService, artifact: ArtifactId) -> str | None:
    """Return the artifact's own storage type (links are not followed); None if it cannot be looked up."""
    try:
        return str(service.artifact_info(artifact.task_id, artifact.name, artifact.run_id)["storageType"])
    except (NotFound, InsufficientScopes) as error:
        log.info("The storage type of artifact %r cannot be looked up: %s", artifact.name, visible(error))
        return None


def _redirect(service: ArtifactService, artifact: ArtifactId) -> Json:
    """Ask for the browser redirect; an artifact that became a reference meanwhile is returned as one."""
    response = service.artifact_redirect(artifact.task_id, artifact.name, artifact.run_id)
    return {**response, "storageType": PLAIN_URL} if response["storageType"] == "object" else response


def _no_url(artifact: ArtifactId, error: ServiceUnavailable) -> ServiceUnavailable:
    permanent = ServiceUnavailable(
        f"{artifact} cannot be fetched: the queue fails (500) for public s3 artifacts with [, ] or | in their names: "
        f"have the task publish it under another name, or as an object",
        status=error.status,
        code=error.code,
    )
    permanent.transient = False
    return permanent


def _escaped(artifact: ArtifactId, url: str) -> str:
    """Escape each ``%`` of a public artifact's name in its URL; the queue does not, so that the store answers 404.

    Such URLs are not signed. A correct URL, or one of another name (a link's target), is returned unchanged.
    """
    if "%" not in artifact.name or not _is_public(artifact) or "?" in url:
        return url
    before, task, after = url.rpartition(f"/{artifact.task_id}/")
    run, slash, name = after.partition("/")
    return f"{before}{task}{run}{slash}{quote(artifact.name)}" if unquote(name) == unquote(artifact.name) else url


def _is_public(artifact: ArtifactId) -> bool:
    return artifact.name.startswith("public/")

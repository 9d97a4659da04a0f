"""Where the bytes of an artifact are: what the queue says, and ways around its faults with some names.

The credentials that the queue gives for an object artifact carry its name in their client id. With a character that no
client id has they are of no use: the object service fails on them, or they cannot even be signed with. The redirect for
browsers leads to the same bytes, without their hashes.
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
# Stands for the storage type of what is fetched by its plain URL. With its space it is none that the queue can answer.
PLAIN_URL = "plain URL"
# For public s3 artifacts with these in their names the queue makes a URL that its own schema refuses.
_NO_URL = frozenset("[]|")


@dataclass(frozen=True)
class Where:
    """Which artifact, in the words of an error."""

    task_id: str
    name: str
    run_id: int | None

    def __str__(self) -> str:
        run = "the latest run" if self.run_id is None else f"run {self.run_id}"
        return f"Artifact {self.name!r} of task {self.task_id} ({run})"


def locate(service: ArtifactService, where: Where) -> Json:
    """Ask the queue where the bytes are; an artifact that is a link is followed.

    :return: The queue's answer (``queue/v1/artifact-content-response.json``). Of an object whose credentials are of no
        use it is ``PLAIN_URL`` with a URL, and the name of the object where that is known.
    """
    odd = not fits_client_id(where.name) or _NO_URL & set(where.name)
    answer = _content_of_odd_name(service, where) if odd else _content(service, where)
    if answer["storageType"] == "object" and not fits_client_id(answer["credentials"].get("clientId", "")):
        log.warning(
            "The credentials for artifact %r are of no use, since its name has characters that no client id takes. "
            "Fetching it by its plain URL, without a hash to check it by",
            where.name,
        )
        return {"name": answer["name"], **_redirect(service, where)}
    if answer["storageType"] == "s3":
        return {**answer, "url": _escaped(where, answer["url"])}
    return answer


def origin(answer: Json) -> str:
    """Return what tells the bytes that were located from others: an object's name, or a URL without its signature."""
    return str(answer.get("name") or public_url(answer.get("url", "")))


def _content(service: ArtifactService, where: Where, *, once: bool = False) -> Json:
    return service.artifact_content(where.task_id, where.name, where.run_id, once=once)


def _content_of_odd_name(service: ArtifactService, where: Where) -> Json:
    """Ask for the content; look into a 500, which may be for the name and not pass.

    The redirect also leads to where the task chose, as a reference, which nobody may have allowed. So it is asked for
    an object alone, or a private s3 artifact; the error of any other artifact is that of the queue.
    """
    try:
        return _content(service, where, once=True)
    except ServiceUnavailable as error:
        if error.status == _SERVER_ERROR:
            storage_type = _storage_type(service, where)
            if storage_type == "object" or (storage_type == "s3" and not _is_public(where)):
                return _redirect(service, where)
            if storage_type == "s3" and _NO_URL & set(where.name):
                raise _no_url(where, error) from None
    except ConnectionFailed as error:
        if not error.transient:
            raise
    return _content(service, where)


def _storage_type(service: ArtifactService, where: Where) -> str | None:
    """Return the storage type of this very artifact, a link's own; None if it may not be known."""
    try:
        return str(service.artifact_info(where.task_id, where.name, where.run_id)["storageType"])
    except (NotFound, InsufficientScopes) as error:
        log.info("The storage type of artifact %r cannot be looked up: %s", where.name, visible(error))
        return None


def _redirect(service: ArtifactService, where: Where) -> Json:
    """Ask where a browser is sent. What has become a reference in the meantime is answered as one."""
    answer = service.artifact_redirect(where.task_id, where.name, where.run_id)
    return {**answer, "storageType": PLAIN_URL} if answer["storageType"] == "object" else answer


def _no_url(where: Where, error: ServiceUnavailable) -> ServiceUnavailable:
    permanent = ServiceUnavailable(
        f"{where} cannot be fetched: the queue fails (500) for public s3 artifacts with [, ] or | in their names: "
        f"have the task publish it under another name, or as an object",
        status=error.status,
        code=error.code,
    )
    permanent.transient = False
    return permanent


def _escaped(where: Where, url: str) -> str:
    """Escape the ``%`` of a public artifact's name, which the queue leaves as they are in its URL, so that it is a 404.

    Such URLs are not signed. One that is right already stays the same, and so does one of another name, as of a link.
    """
    if "%" not in where.name or not _is_public(where) or "?" in url:
        return url
    before, task, after = url.rpartition(f"/{where.task_id}/")
    run, slash, name = after.partition("/")
    return f"{before}{task}{run}{slash}{quote(where.name)}" if unquote(name) == unquote(where.name) else url


def _is_public(where: Where) -> bool:
    return where.name.startswith("public/")

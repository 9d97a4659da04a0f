"""What an error answer of a Taskcluster API means. Pure: status and body in, typed error out."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from airflow_provider_taskcluster.common.messages import LONGEST, one_line, visible
from airflow_provider_taskcluster.common.retry import RETRIABLE_STATUSES, TRY_AGAIN
from airflow_provider_taskcluster.exceptions import (
    AuthenticationFailed,
    Conflict,
    Expired,
    InsufficientScopes,
    NoMatchingMethod,
    NotFound,
    ServiceError,
    ServiceUnavailable,
)
from airflow_provider_taskcluster.services.json_objects import json_object

_BY_STATUS: dict[int, type[ServiceError]] = {
    401: AuthenticationFailed,
    403: InsufficientScopes,
    404: NotFound,
    406: NoMatchingMethod,
    409: Conflict,
    410: Expired,
}
# What a 404 of a call means, and what to do about it.
_NO_OBJECT = "there is no such object, or its upload is not finished: wait with TaskclusterObjectSensor"
_NO_ARTIFACT = "no such task, run or artifact, or not yet: wait with TaskclusterArtifactSensor"
_NOT_FOUND = {
    **dict.fromkeys(("object.object", "object.startDownload"), _NO_OBJECT),
    **dict.fromkeys(("queue.artifact", "queue.latestArtifact"), _NO_ARTIFACT),
    **dict.fromkeys(("queue.artifactInfo", "queue.latestArtifactInfo"), _NO_ARTIFACT),
}
# What a 401 says when the signature is too old, or not yet valid.
_STALE = "stale timestamp"
# Clocks that are no more seconds apart are not what a signature fails for.
_AGREE = 60
# An object in parts needs a scope for all of them, not for the first that was refused.
_ONE_PART = re.compile(r"\.part-[0-9a-f]{16}-\d{5}$")
# What stands before the scopes: to a client those that it lacks, to an anonymous caller all that the call takes.
_SCOPES_FOLLOW = ("missing the following scopes:", "satisfy the following scope expression:")


def service_error(
    call: str,
    *,
    root_url: str,
    client_id: str | None,
    status: int,
    body: str,
    limited: bool = False,
    retry_after: float | None = None,
    clock_ahead: float | None = None,
) -> ServiceError:
    """Build the error for an answer with a status of 400 or more.

    :param call: What was called, such as ``object.createUpload 'name'``.
    :param client_id: Who called, None when anonymous.
    :param body: Text of the answer. Its ``requestInfo`` echoes the request and is left out of the message.
    :param limited: The call was limited to the connection's ``authorized_scopes``.
    :param clock_ahead: Seconds by which the clock of this worker is ahead of the service's, if that is known.
    """
    kind = _BY_STATUS.get(status, ServiceUnavailable if status in RETRIABLE_STATUSES else ServiceError)
    answer = json_object(body)
    code = str(answer.get("code") or "")
    if not code and kind is not ServiceUnavailable:
        return ServiceError(not_taskcluster(call, root_url, f"an answer {status}"), status=status)
    said = str(answer.get("message") or "").split("\n---\n")[0].strip() or "no message"
    hint = {
        401: _clock_to_set(said, clock_ahead) or _credentials_to_check(client_id, limited=limited),
        403: _whom_to_grant(client_id, _missing(said), limited=limited),
        404: _NOT_FOUND.get(call.partition(" ")[0], "check the name, and whether it has expired"),
        410: "have it made again",
    }.get(status)
    if kind is ServiceUnavailable:
        hint = TRY_AGAIN
    if status == 403:  # noqa: PLR2004 (the status of the table above)
        said = "scopes are missing"
    message = f"{call} at {root_url} failed ({status} {one_line(code) or 'no Taskcluster error'}): {one_line(said)}"
    return kind(f"{message}; {hint}" if hint else message, status=status, code=code, retry_after=retry_after)


def redirect_error(call: str, root_url: str, status: int, location: str | None) -> ServiceError:
    """Build the error for a redirect: Taskcluster's APIs never redirect a call, so this is some other server."""
    try:
        target = urlsplit(location or "")
    except ValueError:
        target = urlsplit("")
    if not target.netloc:
        return ServiceError(not_taskcluster(call, root_url, f"a redirect ({status})"), status=status)
    to = f"{target.scheme or root_url.partition(':')[0]}://{target.netloc.rpartition('@')[2]}"
    return ServiceError(
        f"{call} at {root_url} failed: it redirects to {one_line(to)} ({status}); is that the root URL?", status=status
    )


def not_taskcluster(call: str, root_url: str, what: str) -> str:
    """Sentence for an answer that no Taskcluster service would give."""
    return f"{call} got {what} that is not Taskcluster's: is {root_url} the root URL of a deployment?"


def _clock_to_set(said: str, ahead: float | None) -> str:
    """Return what to do where a 401 is about the time of the signature, "" where it is not."""
    if _STALE not in said.lower():
        return ""
    if ahead is None:
        return "the clock of this worker is minutes off, and signatures carry the time: set it right"
    seconds = round(abs(ahead))
    if seconds < _AGREE:
        return (
            "the clocks of this worker and the service agree now: the request may have been long under way; try again"
        )
    by = f"{seconds // 60} min {seconds % 60} s"
    side = "ahead of" if ahead > 0 else "behind"
    return f"the clock of this worker is {by} {side} that of the service, and signatures carry the time: set it right"


def _credentials_to_check(client_id: str | None, *, limited: bool) -> str:
    who = f"client {one_line(client_id)!r}" if client_id else "the anonymous client"
    also = ", and that it holds all of the connection's authorized scopes" if limited else ""
    return f"check client ID and access token of {who}{also}"


def _whom_to_grant(client_id: str | None, scopes: str, *, limited: bool) -> str:
    if limited:  # the service refuses who does not hold them all (401), so it is they that lack it
        return f"the connection's authorized scopes leave it out: add to them {scopes}"
    if client_id:
        return f"grant client {one_line(client_id)!r} {scopes}"
    return f"the call carried no credentials: set client ID and access token of a client that holds {scopes}"


def _missing(said: str) -> str:
    found = next(filter(None, (_fenced(said, sentence) for sentence in _SCOPES_FOLLOW)), "")
    if not found:
        return f"what it lacks: {one_line(said)}"
    between = " " if found.startswith("{") else ", "  # one scope expression as JSON, or one scope a line
    scopes = [_ONE_PART.sub(".part-*", line.strip()) for line in found.splitlines()]
    return visible("the scope " + between.join(scopes), LONGEST)


def _fenced(said: str, sentence: str) -> str:
    """Return what stands behind a sentence between three backticks each; "" where the sentence is not there."""
    return said.partition(sentence)[2].partition("```")[2].partition("```")[0].strip()

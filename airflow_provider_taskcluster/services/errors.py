"""Maps error responses of Taskcluster's APIs to typed errors, by status and body. Pure."""

from __future__ import annotations

import re
from typing import Any
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
# Meaning and next step of a 404, by call.
_NO_OBJECT = "there is no such object, or its upload is not finished: wait with TaskclusterObjectSensor"
_NO_ARTIFACT = "no such task, run or artifact, or not yet: wait with TaskclusterArtifactSensor"
_NO_TASK = "there is no such task, or it has expired: check the ID"
_NO_HOOK = "there is no such hook: check its group and id"
_NOT_FOUND = {
    "hooks.triggerHook": _NO_HOOK,
    **{f"queue.{method}": _NO_TASK for method in ("task", "cancelTask", "rerunTask", "scheduleTask")},
    "secrets.get": "the secret is missing, or has lapsed (each has an expiry): have it set again",
    **dict.fromkeys(("object.object", "object.startDownload"), _NO_OBJECT),
    **dict.fromkeys(("queue.artifact", "queue.latestArtifact"), _NO_ARTIFACT),
    **dict.fromkeys(("queue.artifactInfo", "queue.latestArtifactInfo"), _NO_ARTIFACT),
}
# What a 403 means beyond the scopes, by call.
_REFUSED = {"secrets.get": ", which the service asks for whether the secret exists or not"}
# In the message of a 401 whose signature is too old, or not yet valid.
_STALE = "stale timestamp"
# Seconds of clock difference below which signatures do not fail.
_AGREE = 60
# Matches the name of one part; a multi-part object needs the scope for all parts, not for the first refused one.
_ONE_PART = re.compile(r"\.part-[0-9a-f]{16}-\d{5}$")
# Begins the message of a 403 about the scopes of a hook's role, not of the client.
_ROLE = re.compile(r"The role `([^`]+)` does not have sufficient scopes")
# Begins the message of a hook's 400 that is about a queue that is not available now.
_QUEUE_IS_AWAY = "While calling createTask: InternalServerError"
# Levels of a scope expression that are put into words.
_DEEPEST = 4
# Sentences before the scopes: those that a client lacks, or all that the call takes for an anonymous caller.
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
    """Return the error for a response with a status of 400 or more.

    :param call: Name of the call, such as ``object.createUpload 'name'``.
    :param client_id: Client ID of the caller, None if anonymous.
    :param body: Text of the response. Its ``requestInfo`` echoes the request and is left out of the message.
    :param limited: The call was limited to the connection's ``authorized_scopes``.
    :param clock_ahead: Seconds by which the clock of this worker is ahead of the service's; None if not known.
    """
    kind = _BY_STATUS.get(status, ServiceUnavailable if status in RETRIABLE_STATUSES else ServiceError)
    document = json_object(body)
    code = str(document.get("code") or "")
    if not code and kind is not ServiceUnavailable:
        return ServiceError(not_taskcluster(call, root_url, f"an answer {status}"), status=status)
    reason = str(document.get("message") or "").split("\n---\n")[0].strip() or "no message"
    name = call.partition(" ")[0]
    kind = ServiceUnavailable if reason.startswith(_QUEUE_IS_AWAY) else kind
    hint = {
        401: _clock_hint(reason, clock_ahead) or _credentials_hint(client_id, limited=limited),
        403: _scopes_hint(client_id, _missing_scopes(reason), role=_role(reason), limited=limited)
        + _REFUSED.get(name, ""),
        404: _NOT_FOUND.get(name, "check the name, and whether it has expired"),
        410: "have it made again",
    }.get(status)
    if code == "DenylistedAddress":
        hint = "the deployment sends nothing there: have the address taken off its denylist, or use another"
    if kind is ServiceUnavailable:
        hint = TRY_AGAIN
    shown = "scopes are missing" if status == 403 else one_line(reason)  # noqa: PLR2004 (the status of the table above)
    message = f"{call} at {root_url} failed ({status} {one_line(code) or 'no Taskcluster error'}): {shown}"
    error = kind(f"{message}; {hint}" if hint else message, status=status, code=code, retry_after=retry_after)
    error.reason = one_line(reason)
    return error


def redirect_error(call: str, root_url: str, status: int, location: str | None) -> ServiceError:
    """Return the error for a redirect: Taskcluster's APIs never redirect a call, so this is some other server."""
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
    """Return the message for a response that no Taskcluster service would send."""
    return f"{call} got {what} that is not Taskcluster's: is {root_url} the root URL of a deployment?"


def _clock_hint(reason: str, ahead: float | None) -> str:
    """Return the next step for a 401 about the time of the signature, "" for any other."""
    if _STALE not in reason.lower():
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


def _credentials_hint(client_id: str | None, *, limited: bool) -> str:
    who = f"client {one_line(client_id)!r}" if client_id else "the anonymous client"
    also = ", and that it holds all of the connection's authorized scopes" if limited else ""
    return f"check client ID and access token of {who}{also}"


def _role(reason: str) -> str | None:
    """Return the role that lacks scopes, by the message of a 403; None if it is the client."""
    found = _ROLE.match(reason)
    return found and found[1]


def _scopes_hint(client_id: str | None, scopes: str, *, role: str | None, limited: bool) -> str:
    if role:
        return f"grant the role {one_line(role)!r} {scopes}"
    if limited:  # a client that lacks one of its authorized scopes gets a 401, so a 403 means that they are too few
        return f"the connection's authorized scopes leave it out: add to them {scopes}"
    if client_id:
        return f"grant client {one_line(client_id)!r} {scopes}"
    return f"the call carried no credentials: set client ID and access token of a client that holds {scopes}"


def _missing_scopes(reason: str) -> str:
    block = next(filter(None, (_fenced(reason, sentence) for sentence in _SCOPES_FOLLOW)), "")
    if not block:
        return f"what it lacks: {one_line(reason)}"
    lines = [_of_all_parts(line) for line in block.splitlines()]
    if block.startswith("{"):  # one scope expression as JSON, else one scope a line
        lines = [_in_words(json_object(block)) or " ".join(lines)]
    return visible(f"the scope {', '.join(lines)}", LONGEST)


def _of_all_parts(scope: str) -> str:
    return _ONE_PART.sub(".part-*", scope.strip())


def _in_words(expression: Any, depth: int = 0) -> str:
    """Return a scope expression as words; "" if it is none, "..." for parts that are none or too deep."""
    match expression:
        case str():
            return _of_all_parts(expression)
        case {"AllOf": [*parts]} if depth < _DEEPEST:
            return " and ".join(_in_words(part, depth + 1) for part in parts)
        case {"AnyOf": [*parts]} if depth < _DEEPEST:
            return f"one of {', '.join(_in_words(part, depth + 1) for part in parts)}"
    return "..." if depth else ""


def _fenced(text: str, sentence: str) -> str:
    """Return the block in triple backticks that follows a sentence; "" if there is none."""
    return text.partition(sentence)[2].partition("```")[2].partition("```")[0].strip()

"""What an error answer of a Taskcluster API means. Pure: status and body in, typed error out."""

from __future__ import annotations

import json
import re
from typing import Any

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
from airflow_provider_taskcluster.retry import RETRIABLE_STATUSES

LONGEST_MESSAGE = 600
_BY_STATUS: dict[int, type[ServiceError]] = {
    401: AuthenticationFailed,
    403: InsufficientScopes,
    404: NotFound,
    406: NoMatchingMethod,
    409: Conflict,
    410: Expired,
}
_MISSING_SCOPES = re.compile(r"missing the following scopes:\s*```\s*(.*?)\s*```", re.DOTALL)


def service_error(
    call: str, *, root_url: str, client_id: str | None, status: int, body: str, retry_after: float | None = None
) -> ServiceError:
    """Build the error for an answer with a status of 400 or more.

    :param call: What was called, such as ``object.createUpload 'name'``.
    :param client_id: Who called, None when anonymous.
    :param body: Text of the answer. Its ``requestInfo`` echoes the request and is left out of the message.
    """
    kind = _BY_STATUS.get(status, ServiceUnavailable if status in RETRIABLE_STATUSES else ServiceError)
    answer = _json_object(body)
    code = str(answer.get("code") or "")
    if not code and kind is not ServiceUnavailable:
        return ServiceError(not_taskcluster(call, root_url, f"an answer {status}"), status=status)
    said = str(answer.get("message") or "").split("\n---\n")[0].strip() or "no message"
    who = f"client {client_id!r}" if client_id else "the anonymous client"
    hint = {
        401: f"check client ID and access token of {who}",
        403: f"grant {who} {_missing(said)}",
    }.get(status)
    if status == 403:  # noqa: PLR2004 (the status of the table above)
        said = "scopes are missing"
    message = f"{call} at {root_url} failed ({status} {code or 'no Taskcluster error'}): {said[:LONGEST_MESSAGE]}"
    return kind(f"{message}; {hint}" if hint else message, status=status, code=code, retry_after=retry_after)


def not_taskcluster(call: str, root_url: str, what: str) -> str:
    """Sentence for an answer that no Taskcluster service would give."""
    return f"{call} got {what} that is not Taskcluster's: is {root_url} the root URL of a deployment?"


def _missing(said: str) -> str:
    found = _MISSING_SCOPES.search(said)
    if not found:
        return f"what it lacks: {said[:LONGEST_MESSAGE]}"
    between = " " if found[1].startswith("{") else ", "  # one scope expression as JSON, or one scope a line
    return "the scope " + between.join(line.strip() for line in found[1].splitlines())


def _json_object(body: str) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}

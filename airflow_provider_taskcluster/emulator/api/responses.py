"""Answering: JSON, nothing, a redirect, or an error in Taskcluster's form."""

from __future__ import annotations

import gzip
import json
import uuid
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from airflow_provider_taskcluster.emulator.clock import to_json
from airflow_provider_taskcluster.emulator.errors import InternalServerError
from airflow_provider_taskcluster.emulator.services.replies import FailedDependency, Redirect

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.errors import ApiError
    from airflow_provider_taskcluster.emulator.services.replies import Reply


# Larger answers are sent with gzip to those who take it.
GZIPPED_FROM = 1024


def response(reply: Reply) -> tuple[Response, Any]:
    """The response to a call that went well, and the JSON in it."""
    if reply is None:
        return Response(status_code=204), None
    if isinstance(reply, Redirect):
        headers = {"location": reply.url, **reply.headers}
        return json_response(303, reply.body, headers), reply.body
    if isinstance(reply, FailedDependency):
        body = {"reason": reply.reason, "message": reply.message}
        return json_response(424, body, reply.headers), body
    return json_response(200, reply), reply


def error_response(error: ApiError, method: str, params: dict[str, Any], payload: Any, now: int) -> Response:
    """The response to a call that was refused; it echoes the request, as the real services do."""
    text = str(error)
    if isinstance(error, InternalServerError):
        text = f"Internal Server Error, incidentId: {uuid.uuid4()}"
    facts = {"method": method, "errorCode": error.code, "statusCode": error.status, "time": to_json(now)}
    message = "\n".join([text, "", "---", "", *(f"* {name + ':':<12}{value}" for name, value in facts.items())])
    request_info = {"method": method, "params": params, "payload": payload, "time": to_json(now)}
    headers = {"www-authenticate": "hawk"} if error.status == 401 else {}  # noqa: PLR2004 - HTTP's own number
    body = {"code": error.code, "message": message, "requestInfo": request_info}
    return json_response(error.status, body, headers)


def json_response(status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    """A response with a JSON body, or an empty one for None."""
    content = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
    return Response(content, status, headers, media_type="application/json" if content else None)


def encoded(answer: Response, accepted: str) -> Response:
    """The same response, with gzip where that is accepted and worth it."""
    if len(answer.body) >= GZIPPED_FROM and "gzip" in accepted.lower():
        answer.body = gzip.compress(answer.body, 1)
        answer.headers.update({"content-encoding": "gzip", "content-length": str(len(answer.body))})
    return answer

"""HTTP responses of the API: JSON, no content, redirects, and errors in Taskcluster's form."""

from __future__ import annotations

import gzip
import json
import uuid
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from airflow_provider_taskcluster.emulator.clock import to_json
from airflow_provider_taskcluster.emulator.errors import InternalServerError
from airflow_provider_taskcluster.emulator.services.replies import FailedDependency, Redirect, Text

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.errors import ApiError
    from airflow_provider_taskcluster.emulator.services.replies import Reply


# Bodies of this size or more are compressed for clients that accept gzip.
GZIPPED_FROM = 1024


def success_response(reply: Reply) -> tuple[Response, Any]:
    """Return the response to a successful call, and the JSON in it."""
    if reply is None:
        return Response(status_code=204), None
    if isinstance(reply, Redirect):
        headers = {"location": reply.url, **reply.headers}
        return json_response(303, reply.body, headers), reply.body
    if isinstance(reply, FailedDependency):
        body = {"reason": reply.reason, "message": reply.message}
        return json_response(424, body, reply.headers), body
    if isinstance(reply, Text):
        return Response(reply.text, media_type="text/plain"), None
    return json_response(200, reply), reply


def error_response(error: ApiError, method: str, params: dict[str, Any], payload: Any, now: int) -> Response:
    """Return the response to a failed call; it echoes the request, as the real services do."""
    text = str(error)
    if isinstance(error, InternalServerError):
        text = f"Internal Server Error, incidentId: {uuid.uuid4()}"
    facts = {"method": method, "errorCode": error.code, "statusCode": error.status, "time": to_json(now)}
    message = "\n".join([text, "", "---", "", *(f"* {name + ':':<12}{value}" for name, value in facts.items())])
    written = {name: str(value) for name, value in params.items()}
    request_info = {"method": method, "params": written, "payload": payload, "time": to_json(now)}
    headers = {"www-authenticate": "hawk"} if error.status == 401 else {}  # noqa: PLR2004 - HTTP's own number
    body = {"code": error.code, "message": message, "requestInfo": request_info}
    return json_response(error.status, body, headers)


def json_response(status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    """Return a response with a JSON body, or with an empty one for None."""
    content = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
    return Response(content, status, headers, media_type="application/json" if content else None)


def compressed(response: Response, accept_encoding: str) -> Response:
    """Compress a response with gzip if the client accepts it and the body is large enough."""
    if len(response.body) >= GZIPPED_FROM and "gzip" in accept_encoding.lower():
        response.body = gzip.compress(response.body, 1)
        response.headers.update({"content-encoding": "gzip", "content-length": str(len(response.body))})
    return response

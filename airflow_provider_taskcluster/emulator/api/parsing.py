"""Parsing of requests: path parameters, query, body, and the URL as the client saw it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_to_bytes

from airflow_provider_taskcluster.emulator.clock import from_json
from airflow_provider_taskcluster.emulator.errors import (
    InternalServerError,
    InvalidRequestArguments,
    MalformedPayload,
)
from airflow_provider_taskcluster.emulator.schemas.fields import NAMESPACE, SLUGID, TASK_QUEUE_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

LARGEST_BODY = 10 * 1024 * 1024

PATTERNS = {
    "taskId": SLUGID,
    "taskGroupId": SLUGID,
    "indexPath": f"^{NAMESPACE}$",
    "namespace": f"^{NAMESPACE}$",
    "runId": r"^(0|[1-9][0-9]{0,3})$",
    "name": r"^[\x20-\x7e]+$",
    "workerPoolId": r"^[a-zA-Z0-9_-]{1,38}/[a-zA-Z0-9_-]{1,38}$",
    "taskQueueId": TASK_QUEUE_ID,
    "hookGroupId": r"^[a-zA-Z0-9_-]{1,1000}$",
    "hookId": r"^[a-zA-Z0-9_/-]{1,1000}$",
    "clientId": r"^[A-Za-z0-9!@/:.+|_-]+$",
    "prefix": r"^[A-Za-z0-9!@/:.+|_-]+$",
    "roleId": r"^[\x20-\x7e]+$",
    "token": r"^.+$",
    "continuationToken": r"^.+$",
    "limit": r"^[0-9]{1,9}$",
    "since": r"^.+$",
}
_COMPILED = {name: re.compile(pattern.rstrip("$")) for name, pattern in PATTERNS.items()}


def path_parameters(request: Request) -> dict[str, Any]:
    """Return the parameters of the path, percent-decoded exactly once and checked."""
    return {name: _checked(name, _decoded(name, raw)) for name, raw in request.path_params.items()}


def query_parameters(query: str, known: tuple[str, ...]) -> dict[str, Any]:
    """Return the parameters of the query; unknown ones are refused."""
    given = dict(parse_qsl(query, keep_blank_values=True))
    given.pop("bewit", None)
    if unknown := sorted(set(given) - set(known)):
        raise InvalidRequestArguments(f"Invalid query-string parameters: {', '.join(unknown)} not supported")
    return {name: _checked(name, value) for name, value in given.items()}


async def read_body(request: Request) -> bytes:
    """Return the whole body. The real services answer 500 to one that is too large."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BODY:
            raise InternalServerError("Request body too large")
        parts.append(part)
    return b"".join(parts)


def parse_json(body: bytes, content_type: str) -> Any:
    """Return the JSON of a body; an empty body means an empty object."""
    if not body:
        return {}
    if content_type.split(";", maxsplit=1)[0].strip().lower() != "application/json":
        raise MalformedPayload("Payload must be JSON with content-type: application/json")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedPayload("Failed to parse JSON payload") from None


def client_url(request: Request, headers: Mapping[str, str]) -> str:
    """Return the URL that the client requested and signed, also behind a proxy."""
    scheme = headers.get("x-forwarded-proto", request.scope["scheme"])
    host = headers.get("x-forwarded-host", headers.get("host", ""))
    if port := headers.get("x-forwarded-port"):
        host = f"{host.rsplit(':', 1)[0]}:{port}"
    query = request.scope["query_string"].decode("latin-1")
    url = f"{scheme}://{host}{request.scope['raw_path'].decode('latin-1')}"
    return f"{url}?{query}" if query else url


def _decoded(name: str, raw: str) -> str:
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise InvalidRequestArguments(f"Invalid URL patterns:\nURL parameter '{name}' is not UTF-8") from None


def _checked(name: str, value: str) -> Any:
    if not _COMPILED[name].fullmatch(value):
        raise InvalidRequestArguments(
            f"Invalid URL patterns:\nURL parameter '{name}' given as '{value}' must match regular "
            f"expression: '/{PATTERNS[name]}/'"
        )
    if name == "since":
        _check_instant(value)
    return int(value) if name in {"runId", "limit"} else value


def _check_instant(value: str) -> None:
    try:
        from_json(value)
    except ValueError:
        raise InvalidRequestArguments("Invalid query-string parameters: since: Invalid Date") from None

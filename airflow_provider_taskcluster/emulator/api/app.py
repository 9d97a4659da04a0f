"""The API as an ASGI application."""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route, Router

from airflow_provider_taskcluster.emulator.auth.hawk import SignedRequest
from airflow_provider_taskcluster.emulator.clock import SECOND
from airflow_provider_taskcluster.emulator.errors import ApiError, InternalServerError
from airflow_provider_taskcluster.emulator.services.validation import validated

from .parsing import client_url, parse_json, path_parameters, query_parameters, read_body
from .responses import compressed, error_response, json_response, success_response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from airflow_provider_taskcluster.emulator.auth.caller import Caller
    from airflow_provider_taskcluster.emulator.auth.hawk import Authenticator
    from airflow_provider_taskcluster.emulator.clock import Clock

    from .operation import Operation

    # Called with (service, operation, status, JSON body) of every response that is not an error.
    Observer = Callable[[str, str, int, Any], None]

log = logging.getLogger(__name__)

LARGEST_HEADERS = 16 * 1024
_CAPITAL = re.compile(r"[A-Z]")


class Endpoint:
    """Serves one operation."""

    def __init__(
        self, operation: Operation, authenticator: Authenticator, clock: Clock, observers: list[Observer]
    ) -> None:
        self._operation = operation
        self._authenticator = authenticator
        self._clock = clock
        self._observers = observers
        self._started = clock.now()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; every failure becomes a response."""
        request = Request(scope, receive)
        exchange: dict[str, Any] = {"params": {}, "payload": {}}
        try:
            response = await self._response(request, exchange)
        except ClientDisconnect:
            return
        except ApiError as error:
            response = self._error(error, exchange)
        except Exception:  # the one place where a bug becomes a 500
            log.exception("%s failed", self._operation.name)
            response = self._error(InternalServerError(), exchange)
        await compressed(response, request.headers.get("accept-encoding", ""))(scope, receive, send)

    async def _response(self, request: Request, exchange: dict[str, Any]) -> Response:
        """Check parameters, scopes of the URL and body in the real services' order, then call the service."""
        operation = self._operation
        if operation.run is None:
            return json_response(200, {"alive": True, "uptime": (self._clock.now() - self._started) / SECOND})
        exchange["params"] = request.path_params
        exchange["params"] = params = path_parameters(request)
        query = query_parameters(request.scope["query_string"].decode("latin-1"), operation.query)
        body = await read_body(request)
        headers = dict(request.headers)
        caller = self._caller(request, headers, body) if operation.scopes else None
        if caller is not None:
            caller.require(*(scope.format(**params) for scope in operation.scopes))
        arguments = {_snake(name): value for name, value in {**params, **query}.items()}
        if operation.body is not None:
            payload = parse_json(body, headers.get("content-type", ""))
            exchange["payload"] = operation.echo(payload) if operation.echo else payload
            arguments["request"] = validated(operation.body, payload)
        caller = caller or self._caller(request, headers, body)
        reply = operation.run(caller, **arguments)
        if inspect.isawaitable(reply):
            reply = await _while_connected(request, reply)
        response, content = success_response(reply)
        for observe in self._observers:
            observe(operation.service, operation.name, response.status_code, content)
        return response

    def _caller(self, request: Request, headers: Mapping[str, str], body: bytes) -> Caller:
        return self._authenticator.authenticate(
            SignedRequest(
                method=request.method,
                url=client_url(request, headers),
                authorization=headers.get("authorization"),
                content_type=headers.get("content-type", ""),
                body=body,
            )
        )

    def _error(self, error: ApiError, exchange: dict[str, Any]) -> Response:
        log.info("%s: %s", self._operation.name, error.code)
        return error_response(error, self._operation.name, exchange["params"], exchange["payload"], self._clock.now())


class RawPath:
    """ASGI middleware that matches routes on the path as it was sent, so that %2F is no slash."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it with 431 if its headers are larger than the real services accept."""
        if sum(len(name) + len(value) for name, value in scope["headers"]) > LARGEST_HEADERS:
            await json_response(431, {"error": "Request Header Fields Too Large"})(scope, receive, send)
        else:
            await self._app({**scope, "path": scope["raw_path"].decode("latin-1")}, receive, send)


def api(operations: list[Operation], authenticator: Authenticator, clock: Clock, observers: list[Observer]) -> ASGIApp:
    """Return the application that serves these operations."""
    routes = [Route(o.route, Endpoint(o, authenticator, clock, observers), methods=[o.method]) for o in operations]
    return RawPath(Router(routes, redirect_slashes=False, default=_not_found))


async def _while_connected(request: Request, waiting: Awaitable[Any]) -> Any:
    """Return the result of a call that waits; it is cancelled if the client goes.

    :raises ClientDisconnect: The client has gone.
    """
    call, gone = asyncio.ensure_future(waiting), asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({call, gone}, return_when=asyncio.FIRST_COMPLETED)
        if call.done():
            return call.result()
        raise ClientDisconnect
    finally:
        call.cancel()
        gone.cancel()


async def _disconnected(request: Request) -> None:
    """Wait until the client goes; the body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    await json_response(404, {"error": "Not found"})(scope, receive, send)


def _snake(name: str) -> str:
    return _CAPITAL.sub(lambda m: "_" + m[0].lower(), name)

"""The client of Taskcluster's JSON APIs: signed calls with time-outs, retries and typed errors."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common.framing import header_date
from airflow_provider_taskcluster.common.messages import over_connection
from airflow_provider_taskcluster.common.redaction import quiet_libraries
from airflow_provider_taskcluster.common.retry import retry_after
from airflow_provider_taskcluster.exceptions import Interrupted, InvalidInput, TaskclusterError, UnreadableAnswer
from airflow_provider_taskcluster.services.blocking_transport import BlockingTransport
from airflow_provider_taskcluster.services.connection_errors import (
    PROXY_WANTS_LOGIN,
    connection_error,
    proxy_error,
    unreadable,
)
from airflow_provider_taskcluster.services.errors import not_taskcluster, redirect_error, service_error
from airflow_provider_taskcluster.services.json_objects import json_object
from airflow_provider_taskcluster.services.readers import SchemaMismatch
from airflow_provider_taskcluster.services.signed_requests import request_builder
from airflow_provider_taskcluster.services.traffic import Traffic
from airflow_provider_taskcluster.services.transport import FIRST_ERROR, NoResponseError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_taskcluster.common.network import Network
    from airflow_provider_taskcluster.services.credentials import Credentials
    from airflow_provider_taskcluster.services.readers import JsonReader
    from airflow_provider_taskcluster.services.transport import ApiRequest, ApiResponse, Transport

SEE_OTHER = 303
NO_CONTENT = 204
# Seconds between two checks, during the pause before a retry, whether the client was stopped.
STOP_CHECK_SECONDS = 0.2


class Client:
    """Calls methods of the services of one deployment, with one set of credentials.

    The ``taskcluster`` package builds and signs the requests, a transport sends them. The calls are coroutines: of a
    client whose transport blocks, they run without an event loop (``runner.run``).

    :param root_url: Root URL of the deployment.
    :param credentials: Credentials that sign the requests; None for anonymous calls.
    :param authorized_scopes: Scopes that calls are limited to; None for all of the client's.
    :param network: Time-outs, proxies, certificates and the retry policy.
    :param transport: Sends the requests; by default it blocks.
    :param conn_id: Id of the connection, for errors.
    """

    def __init__(
        self,
        root_url: str,
        credentials: Credentials | None,
        *,
        network: Network,
        authorized_scopes: Sequence[str] | None = None,
        transport: Transport | None = None,
        conn_id: str | None = None,
    ) -> None:
        self.root_url = root_url
        self.credentials = credentials
        self.network = network
        self._authorized_scopes = authorized_scopes
        self.transport: Transport = transport or BlockingTransport(network)
        self._conn_id = conn_id
        self._builders: dict[str, Any] = {}
        self.traffic = Traffic()

    def acting_as(self, credentials: Credentials) -> Client:
        """Return a client with other credentials on the same connections."""
        return Client(self.root_url, credentials, network=self.network, transport=self.transport, conn_id=self._conn_id)

    async def call(
        self,
        service: str,
        method: str,
        *args: str | int,
        payload: Mapping[str, Any] | None = None,
        query: Mapping[str, str | int] | None = None,
        once: bool = False,
        see_other: bool = False,
        read: JsonReader | None = None,
        plain: bool = False,
    ) -> Any:
        """Call ``method`` of ``service`` and return the JSON of its response, None for an empty one.

        :param once: Do not retry.
        :param see_other: Return the body of a redirect (303), which is not followed.
        :param read: Checks and returns the JSON; raises ``SchemaMismatch`` if it does not fit the published schema.
        :param plain: The response is no JSON, but a text, which ``read`` gets.
        :raises ServiceError: The service refused the call; a subclass tells how.
        :raises UnreadableAnswer: The response is not JSON, or not of the expected shape.
        :raises ConnectionFailed: There was no response, after all retries.
        """
        name = f"{service}.{method}" + "".join(f" {arg!r}" for arg in args)
        if self._conn_id is not None:
            name += f" {over_connection(self._conn_id)}"

        async def attempt() -> Any:
            self.traffic.requests += 1
            try:
                response = await self.transport.send(self._request(service, method, args, payload, query))
                return self._result(name, response, read, see_other=see_other, plain=plain)
            except TaskclusterError:
                raise
            except NoResponseError as error:
                self._check(name)
                raise connection_error(name, error, root_url=self.root_url, network=self.network) from None
            except Exception as error:  # noqa: BLE001 (the libraries raise any kind; sorted there)
                raise unreadable(name, error, self.root_url) from None

        retry = self.network.retry
        return await (attempt() if once or not retry.max_retries else retry.async_retrying(self._pause)(attempt))

    def stop(self) -> None:
        """Allow no further try of any call. May be called by another thread or a signal handler."""
        self.transport.stop()

    async def _pause(self, seconds: float) -> None:
        """Wait between two tries. In short slices, since a signal handler has no safe way to wake it.

        :raises Interrupted: The client was told to stop.
        """
        end = time.monotonic() + seconds
        while not self.transport.stopped and (left := end - time.monotonic()) > 0:
            await self.transport.sleep(min(left, STOP_CHECK_SECONDS))
        self._check("The pause before the next try")

    def _check(self, what: str) -> None:
        if self.transport.stopped:
            raise Interrupted(f"{what} was interrupted, because the task was told to stop")

    def url(self, service: str, method: str, *args: str | int, signed_for: int | None = None) -> str:
        """Return the URL of a GET method.

        :param signed_for: Seconds for which a signature in the URL (bewit) is valid; None for an unsigned URL.
        :raises InvalidInput: The connection is anonymous, and cannot sign.
        """
        client = self._builder(service)
        if signed_for is None:
            return str(client.buildUrl(method, *map(str, args)))
        if self.credentials is None:
            raise InvalidInput(
                "A signed URL needs credentials, and the connection is anonymous: set its client ID and access token"
            )
        return str(client.buildSignedUrl(method, *map(str, args), expiration=signed_for))

    def _request(
        self,
        service: str,
        method: str,
        args: Sequence[str | int],
        payload: Mapping[str, Any] | None,
        query: Mapping[str, str | int] | None,
    ) -> ApiRequest:
        builder = self._builder(service)
        options: dict[str, Any] = {
            "params": dict(zip(builder.funcinfo[method]["args"], map(str, args), strict=True)),
            "query": dict(query or {}),
        }
        if payload is not None:
            options["payload"] = payload
        request: ApiRequest = getattr(builder, method)(**options)
        return request

    def _builder(self, service: str) -> Any:
        """Return the package's client of a service."""
        if service not in self._builders:
            self._builders[service] = request_builder(service, self.root_url, self.credentials, self._authorized_scopes)
        quiet_libraries()  # after their import, or the first request would be logged
        return self._builders[service]

    def _result(
        self, name: str, response: ApiResponse, read: JsonReader | None, *, see_other: bool, plain: bool
    ) -> Any:
        """Return what a response says, checked."""
        if see_other and response.status == SEE_OTHER:
            document: Any = json_object(_text(response))
        elif response.status >= FIRST_ERROR:
            raise self._error(name, response)
        else:
            document = _document(response, plain=plain)
        try:
            return read(document) if read else document
        except SchemaMismatch as error:
            raise UnreadableAnswer(f"{not_taskcluster(name, self.root_url, 'JSON')} ({error})") from None

    def _error(self, name: str, response: ApiResponse) -> TaskclusterError:
        proxy = self.network.proxy_for(self.root_url)
        if proxy and response.status == PROXY_WANTS_LOGIN:
            return proxy_error(name, self.root_url, proxy, "it wants a login (407)", status=response.status)
        if response.status < 400:  # noqa: PLR2004 (where errors begin)
            return redirect_error(name, self.root_url, response.status, response.headers.get("Location"))
        return service_error(
            name,
            root_url=self.root_url,
            client_id=self.credentials.client_id if self.credentials else None,
            limited=self.credentials is not None and self._authorized_scopes is not None,
            status=response.status,
            body=_text(response),
            retry_after=retry_after(response.headers.get("Retry-After")),
            clock_ahead=_clock_ahead(response.headers.get("Date")),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self.transport.close()


def _text(response: ApiResponse) -> str:
    return response.body.decode(errors="replace")  # as UTF-8, whatever charset the response names


def _document(response: ApiResponse, *, plain: bool) -> Any:
    """Return the JSON of a response, None for an empty one; the text of one that need not be JSON."""
    text = _text(response) if plain else response.body.decode()
    if response.status == NO_CONTENT or not text.strip():
        return None
    try:
        return json.loads(text)
    except ValueError:
        if plain:
            return text
        raise


def _clock_ahead(header: str | None) -> float | None:
    """Return the seconds by which the clock of this machine is ahead of a ``Date`` header, None if there is none."""
    server_time = header_date(header or "")
    return None if server_time is None else (datetime.now(UTC) - server_time).total_seconds()

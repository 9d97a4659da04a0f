"""The client of Taskcluster's JSON APIs: signed calls with time-outs, retries and typed errors."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common.messages import over_connection
from airflow_provider_taskcluster.common.redaction import quiet_libraries
from airflow_provider_taskcluster.exceptions import Interrupted, InvalidInput, TaskclusterError, UnreadableAnswer
from airflow_provider_taskcluster.services import upstream
from airflow_provider_taskcluster.services.connection_errors import PROXY_WANTS_LOGIN, connection_error, proxy_error
from airflow_provider_taskcluster.services.errors import not_taskcluster, redirect_error, service_error
from airflow_provider_taskcluster.services.json_objects import json_object
from airflow_provider_taskcluster.services.readers import SchemaMismatch
from airflow_provider_taskcluster.services.session import ErrorResponse, PersistentSession
from airflow_provider_taskcluster.services.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_taskcluster.common.network import Network
    from airflow_provider_taskcluster.services.credentials import Credentials
    from airflow_provider_taskcluster.services.readers import JsonReader

SEE_OTHER = 303
# Seconds between two checks, during the pause before a retry, whether the client was stopped.
STOP_CHECK_SECONDS = 0.2


class Client:
    """Calls methods of the services of one deployment, with one set of credentials.

    The ``taskcluster`` package builds and signs the requests, with its own retries off. A client must be used in one
    event loop at a time.

    :param root_url: Root URL of the deployment.
    :param credentials: Credentials that sign the requests; None for anonymous calls.
    :param authorized_scopes: Scopes that calls are limited to; None for all of the client's.
    :param network: Time-outs, proxies, certificates and the retry policy.
    :param conn_id: Id of the connection, for errors.
    """

    def __init__(
        self,
        root_url: str,
        credentials: Credentials | None,
        *,
        network: Network,
        authorized_scopes: Sequence[str] | None = None,
        session: PersistentSession | None = None,
        conn_id: str | None = None,
    ) -> None:
        self.root_url = root_url
        self.credentials = credentials
        self.network = network
        self._authorized_scopes = authorized_scopes
        self._session = session or PersistentSession(root_url, network)
        self._conn_id = conn_id
        self._upstreams: dict[str, tuple[Any, Any]] = {}
        self.traffic = Traffic()

    def acting_as(self, credentials: Credentials) -> Client:
        """Return a client with other credentials on the same connections."""
        return Client(self.root_url, credentials, network=self.network, session=self._session, conn_id=self._conn_id)

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
            session = await self._session.get()
            self.traffic.requests += 1
            try:
                client = self._upstream(service, session)
                keywords: dict[str, Any] = {
                    "params": dict(zip(client.funcinfo[method]["args"], map(str, args), strict=True)),
                    "query": dict(query or {}),
                }
                if payload is not None:
                    keywords["payload"] = payload
                document = await getattr(client, method)(**keywords)
                if plain and isinstance(document, dict) and set(document) == {"response"}:
                    document = await document["response"].text(errors="replace")
                return self._read(name, document, read)
            except ErrorResponse as response:
                if see_other and response.status == SEE_OTHER:
                    return self._read(name, json_object(response.body), read)
                raise self._error(name, response) from None
            except Exception as error:  # noqa: BLE001 (the package raises any kind; sorted there)
                raise connection_error(name, error, root_url=self.root_url, network=self.network) from None

        retry = self.network.retry
        return await (attempt() if once or not retry.max_retries else retry.async_retrying(self._pause)(attempt))

    def stop(self) -> None:
        """End calls that wait for their next try. May be called from another thread or a signal handler."""
        self._session.stopped = True

    async def _pause(self, seconds: float) -> None:
        """Wait between two tries. In short slices, since a signal handler has no safe way to wake the event loop.

        :raises Interrupted: The client was told to stop.
        """
        end = time.monotonic() + seconds
        while not self._session.stopped and (left := end - time.monotonic()) > 0:  # noqa: ASYNC110 (see above)
            await asyncio.sleep(min(left, STOP_CHECK_SECONDS))
        if self._session.stopped:
            raise Interrupted("There is no further try, because the task was told to stop")

    def url(self, service: str, method: str, *args: str | int, signed_for: int | None = None) -> str:
        """Return the URL of a GET method.

        :param signed_for: Seconds for which a signature in the URL (bewit) is valid; None for an unsigned URL.
        :raises InvalidInput: The connection is anonymous, and cannot sign.
        """
        client = self._upstream(service, None)
        if signed_for is None:
            return str(client.buildUrl(method, *map(str, args)))
        if self.credentials is None:
            raise InvalidInput(
                "A signed URL needs credentials, and the connection is anonymous: set its client ID and access token"
            )
        return str(client.buildSignedUrl(method, *map(str, args), expiration=signed_for))

    def _upstream(self, service: str, session: Any) -> Any:
        """Return the package's client of a service; a new one for each session."""
        quiet_libraries()
        its_session, client = self._upstreams.get(service, (None, None))
        if client is None or its_session is not session:
            client = self._new_upstream(service, session)
            self._upstreams[service] = session, client
        return client

    def _new_upstream(self, service: str, session: Any) -> Any:
        from taskcluster import aio

        upstream.sign_without_layout()
        options = {**upstream.options(self.root_url, self.credentials, self._authorized_scopes), "maxRetries": 0}
        return getattr(aio, upstream.class_name(service))(options, session=session)

    def _read(self, name: str, document: Any, read: JsonReader | None) -> Any:
        """Return the JSON of a response, checked. The package returns a body that is not JSON as ``response``."""
        if isinstance(document, dict) and set(document) == {"response"}:
            raise UnreadableAnswer(not_taskcluster(name, self.root_url, "an answer without JSON"))
        try:
            return read(document) if read else document
        except SchemaMismatch as error:
            raise UnreadableAnswer(f"{not_taskcluster(name, self.root_url, 'JSON')} ({error})") from None

    def _error(self, name: str, response: ErrorResponse) -> TaskclusterError:
        proxy = self.network.proxy_for(self.root_url)
        if proxy and response.status == PROXY_WANTS_LOGIN:
            return proxy_error(name, self.root_url, proxy, "it wants a login (407)", status=response.status)
        if response.status < 400:  # noqa: PLR2004 (where errors begin)
            return redirect_error(name, self.root_url, response.status, response.location)
        return service_error(
            name,
            root_url=self.root_url,
            client_id=self.credentials.client_id if self.credentials else None,
            limited=self.credentials is not None and self._authorized_scopes is not None,
            status=response.status,
            body=response.body,
            retry_after=response.retry_after,
            clock_ahead=response.clock_ahead,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

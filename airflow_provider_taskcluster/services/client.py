"""One signed call of a Taskcluster API: time-outs, retries, typed errors, on a kept connection."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import ConnectionFailed, InvalidInput, ServiceError
from airflow_provider_taskcluster.redaction import quiet_libraries
from airflow_provider_taskcluster.services.errors import not_taskcluster, service_error
from airflow_provider_taskcluster.services.session import ErrorAnswer, KeptSession

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_taskcluster.network import Network
    from airflow_provider_taskcluster.services.credentials import Credentials

# class names in the `taskcluster` package
SERVICES = {"auth": "Auth", "object": "Object", "purge-cache": "PurgeCache", "queue": "Queue"}


class Client:
    """Calls methods of the services of one deployment, as one client.

    The ``taskcluster`` package builds and signs the requests, with its own retries off. It must be used in one
    event loop at a time.

    :param root_url: Root URL of the deployment.
    :param credentials: What to sign with; None to stay anonymous.
    :param authorized_scopes: Scopes to limit oneself to; None for all of the client.
    :param network: Time-outs, proxies, certificates and the retry policy.
    """

    def __init__(
        self,
        root_url: str,
        credentials: Credentials | None,
        *,
        network: Network,
        authorized_scopes: Sequence[str] | None = None,
        session: KeptSession | None = None,
    ) -> None:
        self.root_url = root_url
        self.credentials = credentials
        self.network = network
        self._authorized_scopes = authorized_scopes
        self._session = session or KeptSession(root_url, network)

    def acting_as(self, credentials: Credentials) -> Client:
        """Return a client with other credentials on the same connections."""
        return Client(self.root_url, credentials, network=self.network, session=self._session)

    async def call(
        self,
        service: str,
        method: str,
        *args: str | int,
        payload: Mapping[str, Any] | None = None,
        query: Mapping[str, str | int] | None = None,
        once: bool = False,
    ) -> Any:
        """Call ``method`` of ``service`` and return its JSON answer, None for an empty one.

        :param once: Do not repeat a call that fails for the moment.
        :raises ServiceError: The service said no, one subclass for each kind of no.
        :raises ConnectionFailed: No answer, after all retries.
        """
        what = f"{service}.{method}" + "".join(f" {arg!r}" for arg in args)

        async def attempt() -> Any:
            client = self._upstream(service, await self._session.get())
            keywords: dict[str, Any] = {
                "params": dict(zip(client.funcinfo[method]["args"], map(str, args), strict=True)),
                "query": dict(query or {}),
            }
            if payload is not None:
                keywords["payload"] = payload
            try:
                return _json_answer(await getattr(client, method)(**keywords), what, self.root_url)
            except ErrorAnswer as answer:
                raise self._error(what, answer) from None
            except Exception as error:  # noqa: BLE001 (the package lets out what it meets; sorted just below)
                raise self._no_answer(what, error) from None

        return await (attempt() if once else self.network.retry.async_retrying()(attempt))

    def url(self, service: str, method: str, *args: str | int, signed_for: int | None = None) -> str:
        """URL of a GET method, with a signature in it (bewit) that holds so many seconds, if asked and possible."""
        client = self._upstream(service, None)
        if signed_for is None:
            return str(client.buildUrl(method, *map(str, args)))
        if self.credentials is None:
            raise InvalidInput("A signed URL needs credentials, and the connection is anonymous")
        return str(client.buildSignedUrl(method, *map(str, args), expiration=signed_for))

    def _upstream(self, service: str, session: Any) -> Any:
        from taskcluster import aio

        quiet_libraries()
        options: dict[str, Any] = {"rootUrl": self.root_url, "maxRetries": 0}
        if self.credentials:  # a fresh dict each time: the package changes it in place
            options["credentials"] = self.credentials.as_options()
        if self._authorized_scopes is not None:
            options["authorizedScopes"] = list(self._authorized_scopes)
        return getattr(aio, SERVICES[service])(options, session=session)

    def _error(self, what: str, answer: ErrorAnswer) -> ServiceError:
        return service_error(
            what,
            root_url=self.root_url,
            client_id=self.credentials.client_id if self.credentials else None,
            status=answer.status,
            body=answer.body,
            retry_after=answer.retry_after,
        )

    def _no_answer(self, what: str, error: Exception) -> Exception:
        """Return the error to raise for a request that met no answer."""
        from aiohttp import ClientConnectorCertificateError, ClientConnectorDNSError, ClientError

        cause = getattr(error, "superExc", None) or error
        if not isinstance(cause, ClientError | TimeoutError | OSError | asyncio.CancelledError):
            return error
        text = _reason(cause)
        if isinstance(cause, ClientConnectorCertificateError):
            hint = "trust its certificate with the extra verify (path of a CA bundle)"
            return ConnectionFailed(f"{what} at {self.root_url} failed: {text}; {hint}", transient=False)
        hint = "is the root URL right?" if isinstance(cause, ClientConnectorDNSError) else "is it up, and reachable?"
        return ConnectionFailed(f"{what} got no answer from {self.root_url}: {text}; {hint}")

    async def close(self) -> None:
        """Close the kept connections."""
        await self._session.close()


def _reason(cause: BaseException) -> str:
    """Say in a few words why there was no answer."""
    number = getattr(getattr(cause, "os_error", cause), "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number)
    return str(cause) or ("no answer in time" if isinstance(cause, TimeoutError) else type(cause).__name__)


def _json_answer(answer: Any, what: str, root_url: str) -> Any:
    """Return the answer, unless the package wrapped one that was not JSON."""
    if isinstance(answer, dict) and set(answer) == {"response"}:
        raise ServiceError(not_taskcluster(what, root_url, "an answer without JSON"))
    return answer

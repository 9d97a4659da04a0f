"""The transport of event loops, such as that of a triggerer: one aiohttp session for all calls of a hook."""

from __future__ import annotations

import asyncio
import os
import weakref
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_taskcluster.common import tls
from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.common.network import proxy_login
from airflow_provider_taskcluster.services.transport import ApiResponse, BoundedBody, NoResponseError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from aiohttp import ClientResponse, ClientSession

    from airflow_provider_taskcluster.common.network import Network
    from airflow_provider_taskcluster.services.transport import ApiRequest, Job


# Sessions of the parent process after a fork: kept from the garbage collector, see `_close`.
_inherited: list[ClientSession] = []


class AsyncTransport:
    """Implements ``Transport`` over an aiohttp session, opened on first use; another event loop gets another one.

    :param root_url: Root URL of the deployment.
    :param network: Time-outs, proxies, trusted certificates, and the limit on bodies.
    """

    def __init__(self, root_url: str, network: Network) -> None:
        self.stopped = False
        self._root_url = root_url
        self._network = network
        self._trusted: ssl.SSLContext | bool | None = None
        self._session: ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def send(self, request: ApiRequest) -> ApiResponse:
        """Send a request and return the response. The two time-outs together limit the time for all of it."""
        from aiohttp import ClientError
        from yarl import URL

        session = await self.session()
        try:
            async with session.request(
                request.method,
                URL(request.url, encoded=True),
                data=request.body,
                headers=request.headers,
                skip_auto_headers=["Content-Type"],
                allow_redirects=False,
            ) as response:
                return ApiResponse(response.status, response.headers, await self._body(response))
        except (ClientError, TimeoutError, OSError) as error:
            raise _no_response(error, self._network.proxy_for(self._root_url)) from None

    async def _body(self, response: ClientResponse) -> bytes:
        """Return the decoded body, or the beginning of an error."""
        body = BoundedBody(response.status, self._network.largest_answer)
        async for piece in response.content.iter_any():
            if body.add(piece):
                response.close()
                break
        return body.content

    async def session(self) -> ClientSession:
        """Return the session of the running loop."""
        loop = asyncio.get_running_loop()
        if self._trusted is None:
            # Reading certificates blocks, and all triggers share the event loop of a triggerer.
            self._trusted = await asyncio.to_thread(_tls, self._root_url, self._network)
        if self._session is None or self._loop is not loop:
            self._session, self._loop = self._open(trusted=self._trusted), loop
            weakref.finalize(self, _close, self._session, loop, os.getpid())
        return self._session

    def _open(self, *, trusted: ssl.SSLContext | bool) -> ClientSession:
        from aiohttp import ClientSession, ClientTimeout, TCPConnector

        network = self._network
        proxy = network.proxy_for(self._root_url)
        return ClientSession(
            connector=TCPConnector(ssl=trusted),
            timeout=ClientTimeout(
                total=network.connect_timeout + network.read_timeout,
                sock_connect=network.connect_timeout,
                sock_read=network.read_timeout,
            ),
            proxy=proxy,
            # Older aiohttp sends the login only in the first request of a connection.
            headers=proxy_login(proxy) if proxy and urlsplit(self._root_url).scheme == "http" else None,
        )

    async def sleep(self, seconds: float) -> None:
        """Let other tasks of the event loop run meanwhile."""
        await asyncio.sleep(seconds)

    async def run_all(self, jobs: Sequence[Job], at_once: int) -> None:
        """Run the jobs in tasks."""
        remaining = iter(jobs)

        async def work() -> None:
            for job in remaining:
                await job()

        async with asyncio.TaskGroup() as group:
            for _ in range(min(at_once, len(jobs))):
                group.create_task(work())

    def turns(self) -> asyncio.Lock:
        """Return a lock."""
        return asyncio.Lock()

    def stop(self) -> None:
        """Allow no further try."""
        self.stopped = True

    async def close(self) -> None:
        """Close the session, if the running event loop opened it."""
        session, self._session = self._session, None
        if session is not None and self._loop is asyncio.get_running_loop():
            await session.close()


def _tls(root_url: str, network: Network) -> ssl.SSLContext | bool:
    return network.tls_context() if urlsplit(root_url).scheme == "https" else True


def _no_response(error: Exception, proxy: str | None) -> NoResponseError:
    from aiohttp import (
        ClientConnectorDNSError,
        ClientHttpProxyError,
        ClientProxyConnectionError,
        ClientResponseError,
    )

    cause = getattr(error, "os_error", error)
    at_proxy = isinstance(error, ClientHttpProxyError | ClientProxyConnectionError)
    if unknown_host := isinstance(error, ClientConnectorDNSError):
        at_proxy = error.host == urlsplit(proxy or "").hostname
    if isinstance(cause, ClientResponseError):  # its text repeats the URL, with the login of the proxy
        reason = f"{cause.status} {cause.message}"
    elif isinstance(cause, TimeoutError):
        reason = str(cause) or "no answer in time"
    else:
        reason = tls.reason(cause)
    return NoResponseError(
        one_line(reason), cause, unknown_host=unknown_host, at_proxy=at_proxy, status=getattr(error, "status", 0)
    )


def _close(session: ClientSession, loop: asyncio.AbstractEventLoop, process: int) -> None:
    """Close the session of a hook that was garbage-collected.

    A forked child neither closes nor collects it: the event loop does not run there, and the sockets and the selector
    are still the parent's.
    """
    if process != os.getpid():
        _inherited.append(session)
    elif not loop.is_closed() and loop.is_running() and not session.closed:
        loop.call_soon_threadsafe(lambda: asyncio.ensure_future(session.close()))

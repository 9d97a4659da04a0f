"""The persistent HTTP session that all JSON calls of one hook share; it raises error responses."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import weakref
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from airflow_provider_taskcluster.common.framing import header_date
from airflow_provider_taskcluster.common.retry import retry_after
from airflow_provider_taskcluster.services.limits import FIRST_ERROR
from airflow_provider_taskcluster.services.loop import LoopCall

if TYPE_CHECKING:
    import ssl

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientSession

    from airflow_provider_taskcluster.common.network import Network


# Sessions of the parent process after a fork: kept from the garbage collector, see `_close`.
_inherited: list[ClientSession] = []


@dataclass
class ErrorResponse(Exception):
    """A response with a status of 300 or more.

    It is raised inside the ``taskcluster`` package, which would otherwise drop its headers, and sometimes its body.

    :param clock_ahead: Seconds by which the clock of this machine is ahead of the ``Date`` header, if there is one.
    """

    status: int
    body: str
    retry_after: float | None
    location: str | None = None
    clock_ahead: float | None = None


class PersistentSession:
    """An aiohttp session that is opened on first use and kept; a new event loop (after a fork) gets a new one.

    ``stopped`` tells its clients to make no further try.
    """

    def __init__(self, root_url: str, network: Network) -> None:
        self.stopped = False
        self._root_url = root_url
        self._network = network
        self._trusted: ssl.SSLContext | bool | None = None
        self._session: ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def get(self) -> ClientSession:
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

        from airflow_provider_taskcluster.services.bounded_response import bounded_response

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
            headers=_proxy_login(self._root_url, proxy),
            middlewares=(_raise_for_errors,),
            response_class=bounded_response(network.largest_answer),
        )

    async def close(self) -> None:
        """Close the session, if the running event loop opened it."""
        session, self._session = self._session, None
        if session is not None and self._loop is asyncio.get_running_loop():
            await session.close()


def _tls(root_url: str, network: Network) -> ssl.SSLContext | bool:
    return network.tls_context() if urlsplit(root_url).scheme == "https" else True


def _proxy_login(root_url: str, proxy: str | None) -> dict[str, str]:
    """Return the login header for an HTTP proxy; older aiohttp sends it only in the first request of a connection.

    Encoded in latin-1, as by aiohttp and requests; ``Network.proxy_for`` has refused other characters.
    """
    parts = urlsplit(proxy or "")
    if parts.username is None or urlsplit(root_url).scheme != "http":
        return {}
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(login.encode("latin-1")).decode()}


async def _raise_for_errors(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    response = await handler(request)
    if response.status < FIRST_ERROR:
        return response
    raise ErrorResponse(
        response.status,
        (await response.read()).decode(errors="replace"),  # as UTF-8, whatever charset the response names
        retry_after(response.headers.get("Retry-After")),
        response.headers.get("Location"),
        _clock_ahead(response.headers.get("Date")),
    )


def _clock_ahead(header: str | None) -> float | None:
    server_time = header_date(header or "")
    return None if server_time is None else (datetime.now(UTC) - server_time).total_seconds()


def _close(session: ClientSession, loop: asyncio.AbstractEventLoop, process: int) -> None:
    """Close the session of a hook that was garbage-collected, or at exit.

    A forked child neither closes nor collects it: the loop thread does not exist there, and the sockets and the
    selector are still the parent's.
    """
    if process != os.getpid():
        _inherited.append(session)
        return
    if loop.is_closed() or not loop.is_running() or session.closed:
        return
    closing = LoopCall(session.close(), loop)
    if not _inside(loop):
        with contextlib.suppress(TimeoutError):  # a stuck event loop must not hold up the exit
            closing.result(timeout=1)


def _inside(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False

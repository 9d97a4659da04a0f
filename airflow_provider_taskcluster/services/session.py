"""The kept HTTP session that all JSON calls of one hook share, and error answers as exceptions of ours."""

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


# Sessions of the process that forked us: kept from the garbage collector, see `_close`.
_inherited: list[ClientSession] = []


@dataclass
class ErrorResponse(Exception):
    """An answer with a status of 300 or more.

    It passes through the ``taskcluster`` package, which would drop the headers of all and the body of some.

    :param clock_ahead: Seconds by which the clock of this machine is ahead of that of the answer, if it tells.
    """

    status: int
    body: str
    retry_after: float | None
    location: str | None = None
    clock_ahead: float | None = None


class PersistentSession:
    """Opens an aiohttp session on first use and keeps it; a new one for a new event loop (after a fork).

    ``stopped`` tells those who use it that they are to make no further try.
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
            # Reading certificates blocks, and a triggerer shares its loop with everybody.
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
        """Close what this loop opened."""
        session, self._session = self._session, None
        if session is not None and self._loop is asyncio.get_running_loop():
            await session.close()


def _tls(root_url: str, network: Network) -> ssl.SSLContext | bool:
    return network.tls_context() if urlsplit(root_url).scheme == "https" else True


def _proxy_login(root_url: str, proxy: str | None) -> dict[str, str]:
    """Return the header for a proxy of plain HTTP; older aiohttp sends it in the first request of a connection only.

    In latin-1, as aiohttp and requests write it: ``Network.proxy_for`` has refused what does not fit.
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
        (await response.read()).decode(errors="replace"),  # whatever charset it names
        retry_after(response.headers.get("Retry-After")),
        response.headers.get("Location"),
        _clock_ahead(response.headers.get("Date")),
    )


def _clock_ahead(header: str | None) -> float | None:
    told = header_date(header or "")
    return None if told is None else (datetime.now(UTC) - told).total_seconds()


def _close(session: ClientSession, loop: asyncio.AbstractEventLoop, process: int) -> None:
    """Close the session of a hook that nobody holds any more (called by the garbage collector, or at exit).

    In a forked child the thread of its loop is gone, and its sockets and selector are still the parent's: there it
    is neither closed nor collected.
    """
    if process != os.getpid():
        _inherited.append(session)
        return
    if loop.is_closed() or not loop.is_running() or session.closed:
        return
    closing = LoopCall(session.close(), loop)
    if not _inside(loop):
        with contextlib.suppress(TimeoutError):  # a loop that is stuck must not hold up the exit
            closing.result(timeout=1)


def _inside(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False

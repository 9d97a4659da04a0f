"""The kept HTTP session that all JSON calls of one hook share, and error answers as exceptions of ours."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import ConfigurationError
from airflow_provider_taskcluster.retry import retry_after

if TYPE_CHECKING:
    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientSession

    from airflow_provider_taskcluster.network import Network


@dataclass
class ErrorAnswer(Exception):
    """An answer with a status of 400 or more.

    It passes through the ``taskcluster`` package, which would drop the headers of all and the body of some.
    """

    status: int
    body: str
    retry_after: float | None


class KeptSession:
    """Opens an aiohttp session on first use and keeps it; a new one for a new event loop (after a fork)."""

    def __init__(self, root_url: str, network: Network) -> None:
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
            self._trusted = await asyncio.to_thread(self._tls)
        if self._session is None or self._loop is not loop:
            self._session, self._loop = self._open(trusted=self._trusted), loop
            weakref.finalize(self, _close, self._session, loop)
        return self._session

    def _open(self, *, trusted: ssl.SSLContext | bool) -> ClientSession:
        from aiohttp import ClientSession, ClientTimeout, TCPConnector

        network = self._network
        return ClientSession(
            connector=TCPConnector(ssl=trusted),
            timeout=ClientTimeout(
                total=network.connect_timeout + network.read_timeout,
                sock_connect=network.connect_timeout,
                sock_read=network.read_timeout,
            ),
            proxy=network.proxy_for(self._root_url),
            middlewares=(_raise_for_errors,),
        )

    def _tls(self) -> ssl.SSLContext | bool:
        if not self._root_url.startswith("https"):
            return True
        bundle = self._network.ca_bundle()
        if not isinstance(bundle, str):
            return False
        folder = Path(bundle).is_dir()
        try:
            return ssl.create_default_context(cafile=None if folder else bundle, capath=bundle if folder else None)
        except OSError as error:
            raise ConfigurationError(
                f"The trusted certificates in {bundle} cannot be read ({error}): correct the extra verify, or the "
                f"variable REQUESTS_CA_BUNDLE or SSL_CERT_FILE, whichever names them"
            ) from None

    async def close(self) -> None:
        """Close what this loop opened."""
        session, self._session = self._session, None
        if session is not None and self._loop is asyncio.get_running_loop():
            await session.close()


async def _raise_for_errors(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    response = await handler(request)
    if response.status < 400:  # noqa: PLR2004 (where errors begin)
        return response
    raise ErrorAnswer(
        response.status, await response.text(errors="replace"), retry_after(response.headers.get("Retry-After"))
    )


def _close(session: ClientSession, loop: asyncio.AbstractEventLoop) -> None:
    """Close the session of a hook that nobody holds any more (called by the garbage collector, or at exit)."""
    if loop.is_closed() or not loop.is_running() or session.closed:
        return
    closing = asyncio.run_coroutine_threadsafe(session.close(), loop)
    if not _inside(loop):
        with contextlib.suppress(TimeoutError):  # a loop that is stuck must not hold up the exit
            closing.result(timeout=1)


def _inside(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False

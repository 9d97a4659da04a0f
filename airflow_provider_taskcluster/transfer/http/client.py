"""The HTTP client for stores: one GET or one PUT, on kept connections, each failure as one of our errors.

It does not retry (``common/retry.py`` does) and sends no credentials: the URLs are signed.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from airflow_provider_taskcluster.common.redaction import public_url, quiet_libraries
from airflow_provider_taskcluster.common.urls import host_is_allowed, url_problem
from airflow_provider_taskcluster.exceptions import ConnectionFailed, Interrupted, ReferenceRefused
from airflow_provider_taskcluster.transfer.http.connection import RequestConnection
from airflow_provider_taskcluster.transfer.http.errors import LONGEST_ERROR_BODY, connection_error, status_error
from airflow_provider_taskcluster.transfer.http.redirects import (
    METHOD_PRESERVING,
    REDIRECT_STATUSES,
    redirect_target,
    same_origin,
)
from airflow_provider_taskcluster.transfer.http.response import StoreResponse
from airflow_provider_taskcluster.transfer.http.strict_response import read_prefix, underlying_response

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from urllib3 import BaseHTTPResponse

    from airflow_provider_taskcluster.common.network import Network
    from airflow_provider_taskcluster.transfer.http.pools import StorePools
    from airflow_provider_taskcluster.transfer.threads.buffers import Failure


class ReadableBody(Protocol):
    """The body of a PUT."""

    def read(self, size: int, /) -> bytes | memoryview:
        """Return the next bytes, which are valid until the next call."""


class StoreClient:
    """Sends requests to stores and keeps their connections.

    :param network: Time-outs, proxies and trusted certificates; also the retry policy, which callers apply.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._reset()

    def _reset(self) -> None:
        self._process = os.getpid()
        self._pools: StorePools | None = None
        self._lock = threading.Lock()
        self._connections: set[RequestConnection] = set()
        self._proxies: dict[tuple[str, str], str | None] = {}
        self._stopped = False

    @contextmanager
    def get(
        self, url: str, headers: Mapping[str, str], *, redirects: int = 0, hosts: Sequence[str] | None = None
    ) -> Iterator[StoreResponse]:
        """GET a URL and yield the response, its body as a stream.

        :param redirects: How many redirects may be followed, to http and https only.
        :param hosts: Hosts they may lead to (``urls.host_is_allowed``); None for all.
        :raises StoreError: The status is not 200 or 206.
        :raises ReferenceRefused: A redirect leads to a host that is not allowed.
        :raises ConnectionFailed: There was no response.
        """
        for hop in range(redirects + 1):
            with self._requested("GET", url, headers) as (response, connection):
                location = response.headers.get("Location")
                if response.status in REDIRECT_STATUSES and location and hop < redirects:
                    url = _allowed(redirect_target(url, location), hosts)
                    continue
                if response.status not in {200, 206}:
                    raise status_error(response, "GET", url)
                yield StoreResponse(response, url, connection)
                return

    def put(self, url: str, headers: Mapping[str, str], body: ReadableBody, size: int) -> str | None:
        """PUT a body of ``size`` bytes with exactly these headers, which are signed.

        :returns: None, or the URL to send the body to instead (307, 308), which has the same origin.
        :raises StoreError: The status is not 200, 201 or 204, or a redirect leads to another origin.
        :raises ConnectionFailed: There was no response.
        """
        headers = {"Content-Length": str(size), **headers}
        with self._requested("PUT", url, headers, body) as (response, _):
            location = response.headers.get("Location")
            if response.status in METHOD_PRESERVING and location:
                target = redirect_target(url, location)
                if same_origin(url, target):
                    return target
            if response.status not in {200, 201, 204}:
                raise status_error(response, "PUT", url)
            _read_to_end(response)
        return None

    def stop(self) -> None:
        """End all transfers, from another thread or a signal handler; they raise :class:`Interrupted`."""
        self._reset_after_fork()
        self._stopped = True
        self.abort()

    def abort(self, threads: Collection[threading.Thread] | None = None) -> None:
        """Abort the requests of these threads, or of all; they raise :class:`ConnectionFailed`."""
        self._reset_after_fork()
        for connection in list(self._connections):
            if threads is None or connection.thread in threads:
                connection.abort()

    def check(self) -> None:
        """Raise :class:`Interrupted` after ``stop``."""
        if self._stopped:
            raise Interrupted("The transfer was interrupted, because its task was told to stop")

    def sleep(self, seconds: float, failure: Failure | None = None) -> None:
        """Wait, until ``stop`` is called at the latest. In slices, because a signal handler may call ``stop``.

        :param failure: Failure of the transfer that this thread belongs to; it ends the wait, too.
        :raises Interrupted: The transfer has failed in another thread.
        """
        end = time.monotonic() + seconds
        while not self._stopped and not (failure and failure.error) and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))
        if failure and failure.error:
            raise Interrupted("There is no further try, because the transfer has failed")

    @contextmanager
    def _requested(self, *request: Any) -> Iterator[tuple[BaseHTTPResponse, RequestConnection]]:
        """Send a request and yield the response, over a connection that ``stop`` can abort."""
        self._reset_after_fork()
        connection = RequestConnection()
        self._connections.add(connection)
        try:
            self.check()
            with connection.sending():
                response = self._send(*request)
            with response:
                yield response, connection
        except ConnectionFailed:
            self.check()
            raise
        finally:
            self._connections.discard(connection)

    def _reset_after_fork(self) -> None:
        """Start without connections in a forked child: those of the parent must be left to the parent."""
        if self._process != os.getpid():
            self._reset()

    def close(self) -> None:
        """Close the kept connections."""
        self._reset_after_fork()
        if self._pools is not None:
            self._pools.close()
            self._pools = None

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: Any = None) -> BaseHTTPResponse:
        from urllib3.exceptions import HTTPError

        if why := url_problem(url):
            raise ConnectionFailed(f"{public_url(url)!r} is not a URL that can be fetched: {why}", transient=False)
        proxy = self._proxy_for(url)
        try:
            return self._kept_pools().send(method, url, headers, body, proxy)
        except HTTPError as error:
            raise connection_error(method, url, error, proxy) from None

    def _proxy_for(self, url: str) -> str | None:
        """Return the proxy for a URL, None for none; looked up once for each server, since it reads the environment."""
        parts = urlsplit(url)
        server = parts.scheme, parts.netloc
        if server not in self._proxies:
            self._proxies[server] = self.network.proxy_for(url)
        return self._proxies[server]

    def _kept_pools(self) -> StorePools:
        """Return the connections of this process, created on first use."""
        with self._lock:
            if self._pools is None:
                from airflow_provider_taskcluster.transfer.http.pools import StorePools

                quiet_libraries()
                self._pools = StorePools(self.network)
            return self._pools


def _allowed(url: str, hosts: Sequence[str] | None) -> str:
    if hosts is None or host_is_allowed(url, hosts):
        return url
    raise ReferenceRefused(
        f"A reference redirects to {public_url(url)}, whose host is not in allow_reference: "
        f"add it if you trust that host"
    )


def _read_to_end(response: BaseHTTPResponse) -> None:
    """Read the rest of a response, so that its connection can be reused. A long response is closed instead."""
    if underlying_response(response).framing.marked:
        read_prefix(response, LONGEST_ERROR_BODY)

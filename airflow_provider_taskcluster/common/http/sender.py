"""Sends requests over kept connections; each of them can be aborted by another thread or a signal handler."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_taskcluster.common.http.causes import lost
from airflow_provider_taskcluster.common.http.connection import RequestConnection
from airflow_provider_taskcluster.common.redaction import quiet_libraries

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from urllib3 import BaseHTTPResponse

    from airflow_provider_taskcluster.common.http.pools import ConnectionPools
    from airflow_provider_taskcluster.common.network import Network


# Methods that may be sent twice (RFC 9110, 9.2.2).
_IDEMPOTENT = {"GET", "HEAD", "PUT", "DELETE"}


class RequestSender:
    """Sends requests, also from several threads, and keeps the connections. It neither retries nor follows redirects.

    A forked child starts without connections, and not stopped: those of the parent are left to the parent.

    :param network: Time-outs, proxies and trusted certificates.
    :param check: Called when a request begins and can be aborted; an error that it raises is the request's.
    """

    def __init__(self, network: Network, check: Callable[[], None] | None = None) -> None:
        self._network = network
        self._check = check
        self._reset()

    def _reset(self) -> None:
        self._pools: ConnectionPools | None = None
        # Re-entrant, since a signal handler may make a call in the middle.
        self._lock = threading.RLock()
        self._connections: set[RequestConnection] = set()
        self._proxies: dict[tuple[str, str], str | None] = {}
        self._stopped = False
        self._process = os.getpid()  # last: until then, no other thread takes the parent's connections for its own

    def _reset_after_fork(self) -> None:
        if self._process != os.getpid():
            self._reset()

    @property
    def stopped(self) -> bool:
        """Whether ``stop`` was called in this process."""
        self._reset_after_fork()
        return self._stopped

    @contextmanager
    def sent(
        self, method: str, url: str, headers: Mapping[str, str], body: Any = None
    ) -> Iterator[tuple[BaseHTTPResponse, RequestConnection]]:
        """Send a request; yield the response, its body unread, and the connection that ``abort`` ends.

        :param body: Bytes, or an object with ``read``.
        :raises urllib3.exceptions.HTTPError: There was no response.
        :raises ConfigurationError: The proxy or the certificates to trust cannot be used.
        """
        self._reset_after_fork()
        connection = RequestConnection(method)
        self._connections.add(connection)
        try:
            if self._check:
                self._check()
            with connection.sending():
                response = self._response(connection, url, headers, body)
            with response:
                yield response, connection
        finally:
            self._connections.discard(connection)

    def _response(
        self, connection: RequestConnection, url: str, headers: Mapping[str, str], body: Any
    ) -> BaseHTTPResponse:
        """Send a request; again if the server closed a kept connection meanwhile, and that does no harm."""
        proxy = self.proxy_for(url)
        repeatable = connection.method in _IDEMPOTENT and (body is None or isinstance(body, bytes))
        while True:
            connection.kept = False
            try:
                return self._kept_pools().send(connection.method, url, headers, body, proxy)
            except Exception as error:
                if not (repeatable and connection.kept and lost(error)) or connection.aborted:
                    raise

    def stop(self) -> None:
        """Set ``stopped``."""
        self._reset_after_fork()
        self._stopped = True

    def abort(self, *, threads: Collection[threading.Thread] | None = None, method: str | None = None) -> None:
        """Abort the requests of these threads, and with this method; None is all of them."""
        self._reset_after_fork()
        for connection in list(self._connections):
            if (threads is None or connection.thread in threads) and method in {None, connection.method}:
                connection.abort()

    def close(self) -> None:
        """Close the kept connections."""
        self._reset_after_fork()
        if self._pools is not None:
            self._pools.close()
            self._pools = None

    def proxy_for(self, url: str) -> str | None:
        """Return the proxy for a URL, None for none; looked up once for each server, since it reads the environment."""
        parts = urlsplit(url)
        server = parts.scheme, parts.netloc
        if server not in self._proxies:
            self._proxies[server] = self._network.proxy_for(url)
        return self._proxies[server]

    def _kept_pools(self) -> ConnectionPools:
        """Return the connections of this process, created on first use."""
        with self._lock:
            if self._pools is None:
                from airflow_provider_taskcluster.common.http.pools import ConnectionPools

                quiet_libraries()
                self._pools = ConnectionPools(self._network)
            return self._pools

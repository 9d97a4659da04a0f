"""Kept connections: pools with large blocks, and one time-out for silence."""

from __future__ import annotations

from queue import Empty
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from urllib3 import PoolManager, ProxyManager, Timeout, disable_warnings
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import InsecureRequestWarning

from airflow_provider_taskcluster.common.http.connection import current_connection
from airflow_provider_taskcluster.common.http.strict_response import StrictResponse
from airflow_provider_taskcluster.common.network import proxy_login

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from urllib3 import BaseHTTPResponse

    from airflow_provider_taskcluster.common.network import Network

# Connections kept to one server, and used by one transfer at once, at most.
MOST_CONNECTIONS = 32
# Bytes given to TLS at once: it returns when all are sent, and the time-out counts until then.
TLS_PIECE = 64 * 1024
# Bytes read from a file, and sent, at once.
BLOCK_SIZE = 1024 * 1024


class IdleConnections:
    """The kept connections of a pool that are not in use; a request takes the one that was used last.

    It has no lock, unlike the queues of the standard library, whose lock stays locked for ever when the handler of a
    signal raises at the wrong moment: an Airflow time-out does. A list's ``append`` and ``pop`` are atomic.

    :param size: Connections at most.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: list[Any] = []

    def get(self, block: bool = False, timeout: float | None = None) -> Any:  # noqa: ARG002, FBT001, FBT002 (a queue's)
        """Return a connection, or None in place of one that is not open yet.

        :raises queue.Empty: All are in use.
        """
        try:
            return self._items.pop()
        except IndexError:
            raise Empty from None

    def put(self, item: Any, block: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 (as above)
        """Take a connection back, or close it if there are enough: ``queue.Full`` would bring a warning each time."""
        if len(self._items) < self._size:
            self._items.append(item)
        elif item is not None:
            item.close()

    def qsize(self) -> int:
        """Return the number of connections."""
        return len(self._items)


class PiecewiseConnection:
    """A connection whose time-out limits silence while sending; ``sendall`` would limit the time for all bytes."""

    sock: Any
    piece_size: int | None = None

    def send(self, data: Any) -> None:
        """Send the data piece by piece."""
        if self.sock is None or not isinstance(data, bytes | memoryview):
            super().send(data)  # type: ignore[misc]  # mixed into a connection
            return
        left = memoryview(data)
        while left:
            left = left[self.sock.send(left[: self.piece_size]) :]


class ConnectionPools:
    """The connections of one client, in pools: one for each server, and the proxy that leads there.

    All connections with TLS share one context, since reading the certificates takes longer than a small body.

    :param network: Time-outs, proxies and trusted certificates.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._classes = _pool_classes(network.read_timeout)
        self._timeout = Timeout(connect=network.connect_timeout, read=network.read_timeout)
        if network.verify is False:  # the hook logs it once; urllib3 would warn with each request
            disable_warnings(InsecureRequestWarning)
        self._managers: dict[tuple[str | None, ssl.SSLContext | Literal[False] | None], PoolManager] = {}

    def send(self, method: str, url: str, headers: Mapping[str, str], body: Any, proxy: str | None) -> BaseHTTPResponse:
        """Send one request, with the URL as it is, since it is signed; return the response, its body unread.

        :raises urllib3.exceptions.HTTPError: There was no response.
        :raises ConfigurationError: The certificates to trust cannot be read.
        """
        parts = urlsplit(url)
        target = url.partition("#")[0]
        if parts.scheme == "https" or not proxy:  # an HTTP proxy takes the whole URL
            target = target[len(f"{parts.scheme}://{parts.netloc}") :]
            target = target if target.startswith("/") else f"/{target}"
        # ``urlopen`` of the manager would normalize the URL; that of the pool sends the target as it is.
        pool = self._manager(parts.scheme, proxy).connection_from_host(parts.hostname, parts.port, parts.scheme)
        return pool.urlopen(
            method,
            target,
            body,
            headers,
            retries=False,
            redirect=False,
            assert_same_host=False,
            timeout=self._timeout,
            preload_content=False,
            decode_content=False,
        )

    def close(self) -> None:
        """Close the kept connections."""
        for manager in self._managers.values():
            manager.clear()

    def _manager(self, scheme: str, proxy: str | None) -> PoolManager:
        """Return the pools for a scheme and a proxy."""
        encrypted = "https" in {scheme, urlsplit(proxy or "").scheme}
        context = self._network.tls_context() if encrypted else None
        manager = self._managers.get((proxy, context))
        return manager or self._managers.setdefault((proxy, context), self._new_manager(proxy, context or None))

    def _new_manager(self, proxy: str | None, context: ssl.SSLContext | None) -> PoolManager:
        options: dict[str, Any] = {"maxsize": MOST_CONNECTIONS, "blocksize": BLOCK_SIZE}
        options |= {"ssl_context": context} if context else {"cert_reqs": "CERT_NONE"}
        if proxy:
            options |= {"proxy_headers": proxy_login(proxy), "proxy_ssl_context": context}
        manager = ProxyManager(proxy, **options) if proxy else PoolManager(**options)
        manager.pool_classes_by_scheme = self._classes
        return manager


def _pool_classes(read_timeout: float) -> dict[str, Any]:
    """Return the class of pools for each scheme.

    Once connected, ``read_timeout`` limits silence in both directions: urllib3 alone would end a stalled upload after
    the *connect* time-out. Bodies are sent in blocks of 1 MiB, since the usual 16 KiB cost more time in calls than in
    copying.
    """

    class TimedResponse(StrictResponse):
        line_timeout = read_timeout

    class TimedConnection(PiecewiseConnection):
        """Uses the read time-out for sending as well, and registers its socket so that the request can be aborted."""

        timeout: Any
        response_class: Any = TimedResponse
        kept = False

        def connect(self) -> None:
            super().connect()  # type: ignore[misc]  # mixed into a connection
            self.sock.settimeout(read_timeout)
            self.kept = False
            self._register()

        def request(self, *args: Any, **kwargs: Any) -> None:
            if self.sock is not None:
                self._register()
            super().request(*args, **kwargs)  # type: ignore[misc]  # mixed into a connection
            self.kept = True

        def _register(self) -> None:
            self.timeout = read_timeout
            if connection := current_connection():
                connection.attach(self.sock, kept=self.kept)

    class PlainConnection(TimedConnection, HTTPConnection):
        pass

    class TLSConnection(TimedConnection, HTTPSConnection):
        piece_size = TLS_PIECE

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = PlainConnection
        QueueCls: Any = IdleConnections

    class TLSPool(HTTPSConnectionPool):
        ConnectionCls = TLSConnection
        QueueCls: Any = IdleConnections

    return {"http": PlainPool, "https": TLSPool}

"""The requests adapter for stores: pooled connections, large blocks, and one time-out for silence."""

from __future__ import annotations

from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from airflow_provider_taskcluster.transfer.config import KIB, MIB
from airflow_provider_taskcluster.transfer.http.connection import current_connection
from airflow_provider_taskcluster.transfer.http.strict_response import StrictResponse

# Connections kept to one store, and used by one transfer at once, at most.
MOST_CONNECTIONS = 32
# Bytes given to TLS at once: it returns when all are sent, and the time-out counts until then.
TLS_PIECE = 64 * KIB


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


def store_adapter(read_timeout: float) -> HTTPAdapter:
    """Return an adapter without retries of its own.

    Once connected, ``read_timeout`` limits silence in both directions: urllib3 alone would end a stalled upload after
    the *connect* time-out. Bodies are sent in blocks of 1 MiB, since the usual 16 KiB cost more time in calls than in
    copying.
    """

    class TimedResponse(StrictResponse):
        line_timeout = read_timeout

    class StoreConnection(PiecewiseConnection):
        """Uses the read time-out for sending as well, and registers its socket so that the request can be aborted."""

        timeout: Any
        response_class: Any = TimedResponse

        def connect(self) -> None:
            super().connect()  # type: ignore[misc]  # mixed into a connection
            self.sock.settimeout(read_timeout)
            self._register()

        def request(self, *args: Any, **kwargs: Any) -> None:
            if self.sock is not None:
                self._register()
            super().request(*args, **kwargs)  # type: ignore[misc]  # mixed into a connection

        def _register(self) -> None:
            self.timeout = read_timeout
            if connection := current_connection():
                connection.attach(self.sock)

    class PlainConnection(StoreConnection, HTTPConnection):
        pass

    class TLSConnection(StoreConnection, HTTPSConnection):
        piece_size = TLS_PIECE

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = PlainConnection

    class TLSPool(HTTPSConnectionPool):
        ConnectionCls = TLSConnection

    pools = {"http": PlainPool, "https": TLSPool}

    class StoreAdapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs, blocksize=MIB)
            self.poolmanager.pool_classes_by_scheme = pools

        def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
            manager = super().proxy_manager_for(*args, **kwargs, blocksize=MIB)
            manager.pool_classes_by_scheme = pools
            return manager

    return StoreAdapter(max_retries=0, pool_maxsize=MOST_CONNECTIONS)

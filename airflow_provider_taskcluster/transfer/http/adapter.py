"""How requests makes connections to stores: many, kept, in large blocks, with one limit on silence."""

from __future__ import annotations

from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from airflow_provider_taskcluster.transfer.config import KIB, MIB
from airflow_provider_taskcluster.transfer.http.connection import current_connection
from airflow_provider_taskcluster.transfer.http.strict_response import StrictResponse

# Kept to one store; a transfer may use so many at once.
MOST_CONNECTIONS = 32
# What TLS is given at once: it returns when all of it is sent, and the time-out counts until then.
TLS_PIECE = 64 * KIB


class Piecewise:
    """A connection whose time-out is about silence: that of ``sendall`` is about all that it is given."""

    sock: Any
    at_once: int | None = None

    def send(self, data: Any) -> None:
        """Send piece by piece."""
        if self.sock is None or not isinstance(data, bytes | memoryview):
            super().send(data)  # type: ignore[misc]  # mixed into a connection
            return
        left = memoryview(data)
        while left:
            left = left[self.sock.send(left[: self.at_once]) :]


def store_adapter(read_timeout: float) -> HTTPAdapter:
    """Return an adapter without retries of its own.

    Once connected, ``read_timeout`` is the limit on silence in both directions: urllib3 alone would end an upload that
    stalls after the *connect* time-out. Bodies are sent in blocks of 1 MiB, where the usual 16 KiB cost more in calls
    than in bytes.
    """

    class PatientResponse(StrictResponse):
        line_timeout = read_timeout

    class Patient(Piecewise):
        """Waits for the store to take bytes as long as for it to give some, unless its connection is broken off."""

        timeout: Any
        response_class: Any = PatientResponse

        def connect(self) -> None:
            super().connect()  # type: ignore[misc]  # mixed into a connection
            self.sock.settimeout(read_timeout)
            self._in_use()

        def request(self, *args: Any, **kwargs: Any) -> None:
            if self.sock is not None:
                self._in_use()
            super().request(*args, **kwargs)  # type: ignore[misc]  # mixed into a connection

        def _in_use(self) -> None:
            self.timeout = read_timeout
            if connection := current_connection():
                connection.attach(self.sock)

    class PlainConnection(Patient, HTTPConnection):
        pass

    class TLSConnection(Patient, HTTPSConnection):
        at_once = TLS_PIECE

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

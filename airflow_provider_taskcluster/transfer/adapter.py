"""How requests makes connections to stores: many, kept, in large blocks, with one limit on silence."""

from __future__ import annotations

from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from airflow_provider_taskcluster.transfer.config import MIB
from airflow_provider_taskcluster.transfer.line import line_of_this_thread

# Kept to one store; a transfer may use so many at once.
MOST_CONNECTIONS = 32


def store_adapter(read_timeout: float) -> HTTPAdapter:
    """Return an adapter without retries of its own.

    Once connected, ``read_timeout`` is the limit on silence in both directions: urllib3 alone would end an upload that
    stalls after the *connect* time-out. Bodies are sent in blocks of 1 MiB, where the usual 16 KiB cost more in calls
    than in bytes.
    """

    class Patient:
        """Waits for the store to take bytes as long as for it to give some, unless its line is broken off."""

        sock: Any
        timeout: Any

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
            if line := line_of_this_thread():
                line.runs_over(self.sock)

    class PlainConnection(Patient, HTTPConnection):
        pass

    class TLSConnection(Patient, HTTPSConnection):
        pass

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

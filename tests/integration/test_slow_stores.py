"""A slow store that keeps receiving: the read time-out limits silence, not the time for a block."""

from __future__ import annotations

import socket
import time

import pytest
from local_servers import Quiet, self_signed, serving
from urllib3.util import connection

from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.common.retry import RetryPolicy
from airflow_provider_taskcluster.exceptions import ConnectionFailed
from airflow_provider_taskcluster.transfer.http.client import StoreClient

READ_TIMEOUT = 1.0
SIZE = 2_500_000
SMALL = (socket.SOL_SOCKET, socket.SO_SNDBUF, 32_768)  # else the system takes all at once


class Slow(Quiet):
    """Takes a block of 1 MiB in 1.5 read time-outs, and is silent for a hundredth of one at most."""

    rate = 2**20 / (1.5 * READ_TIMEOUT)
    taken = 0

    def do_PUT(self):  # noqa: N802 (a name that http.server calls)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
        for _ in range(SIZE // 5_000):
            if self.path == "/stalls" and type(self).taken > SIZE // 2:
                time.sleep(3 * READ_TIMEOUT)
                return
            type(self).taken += len(self.rfile.read(5_000))
            time.sleep(5_000 / self.rate)
        self.answer(200)


class Body:
    left = SIZE

    def read(self, size):
        size = min(size, self.left)
        self.left -= size
        return memoryview(bytes(size))


@pytest.fixture(params=["plain", "TLS"])
def store_url(request, tmp_path, monkeypatch):
    create = connection.create_connection

    def with_a_small_buffer(*args, **options):
        return create(*args, **options | {"socket_options": [SMALL]})

    monkeypatch.setattr(connection, "create_connection", with_a_small_buffer)
    monkeypatch.setattr(Slow, "taken", 0)
    certificate = self_signed(tmp_path) if request.param == "TLS" else None
    with serving(Slow, certificate=certificate) as url:
        yield url


@pytest.fixture
def store(tmp_path, store_url):
    verify = str(tmp_path / "server.pem") if store_url.startswith("https") else True
    network = Network(read_timeout=READ_TIMEOUT, verify=verify, proxies={}, retry=RetryPolicy(max_retries=0))
    store = StoreClient(network)
    yield store
    store.close()


def test_a_slow_upload_arrives(store, store_url):
    started = time.monotonic()
    store.put(f"{store_url}/a", {}, Body(), SIZE)
    assert Slow.taken == SIZE
    assert time.monotonic() - started > 2 * READ_TIMEOUT  # so that a block takes longer than the time-out


def test_a_silent_store_ends_it(store, store_url):
    started = time.monotonic()
    with pytest.raises(ConnectionFailed, match="no answer in time"):
        store.put(f"{store_url}/stalls", {}, Body(), SIZE)
    assert SIZE // 2 < Slow.taken < SIZE
    assert time.monotonic() - started < 5 * READ_TIMEOUT

"""A signal may come at any moment: also when Python's own code has just locked something, which then stays locked.

Airflow's time-outs are such signals. ``threading.Condition`` (in events, semaphores and queues too) is locked by code
that can be interrupted; plain locks and ``SimpleQueue`` cannot.
"""

from __future__ import annotations

import threading

import pytest

from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.common.worker import Worker
from airflow_provider_taskcluster.services.client import Client
from airflow_provider_taskcluster.services.runner import run
from airflow_provider_taskcluster.transfer.hashing.digests import Hashers
from airflow_provider_taskcluster.transfer.hashing.pipeline import Hashing
from airflow_provider_taskcluster.transfer.http.client import StoreClient
from airflow_provider_taskcluster.transfer.payload.chunks import Chunks
from airflow_provider_taskcluster.transfer.source.base import PathSource
from airflow_provider_taskcluster.transfer.source.read_ahead import ReadAhead
from airflow_provider_taskcluster.transfer.threads.buffers import Block, BufferPool, Failure

DATA = bytes(20_000_000)


class Signal(Exception):
    """What a handler raises."""


@pytest.fixture
def interrupt(monkeypatch, collector_off):
    """From now on a signal comes whenever this thread has locked a condition."""
    enter = threading.Condition.__enter__
    ours = threading.get_ident()

    def interrupted(condition):
        enter(condition)
        if threading.get_ident() == ours:
            raise Signal
        return True

    def begin():
        monkeypatch.setattr(threading.Condition, "__enter__", interrupted)

    yield begin
    monkeypatch.undo()


def test_the_signal_comes(interrupt):
    event = threading.Event()
    interrupt()
    with pytest.raises(Signal):
        event.set()


def test_a_worker_is_waited_for(interrupt):
    go = threading.Lock()
    go.acquire()
    worker = Worker("worker", go.acquire)
    worker.start()
    interrupt()
    worker.wait(0.01)
    assert worker.is_alive()
    go.release()
    worker.wait()
    worker.wait()
    assert not worker._busy


def test_who_was_interrupted_when_the_worker_had_ended_does_not_wait_again(interrupt):
    worker = Worker("worker", lambda: None)
    worker.start()
    worker.wait()
    interrupt()
    worker._working.acquire()  # as `wait` does it, before the signal
    worker.wait()


@pytest.mark.parametrize("begins", ["never", "late", "before"])
def test_a_worker_whose_start_was_interrupted_is_waited_for_if_it_works(monkeypatch, collector_off, begins):
    start, late, done = threading.Thread.start, [], []

    def interrupted(thread):
        late.append(thread) if begins == "late" else None
        if begins == "before":
            start(thread)
        raise Signal

    go = threading.Lock()
    go.acquire()
    worker = Worker("worker", lambda: done.append(go.acquire()))
    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(Signal):
        worker.start()
    monkeypatch.undo()
    threading.Timer(0.2, go.release).start()
    worker.wait()
    assert done == ([True] if begins == "before" else [])
    for thread in late:
        start(thread)
        thread.join()
    worker.wait()
    assert done == ([True] if begins == "before" else [])


def test_a_follower_is_closed(interrupt, tmp_path):
    (tmp_path / "file").write_bytes(DATA)
    hashers = Hashers(["sha512"])
    follower = ReadAhead(PathSource(tmp_path / "file"), hashers)
    follower.advance_to(len(DATA))
    interrupt()
    follower.close()
    follower.close()
    assert hashers.seen <= len(DATA)


def test_bytes_are_hashed(interrupt):
    failure = Failure()
    pool, hashing = BufferPool(2, 1000, failure), Hashing([Hashers(["sha256"])], failure)
    hashing.feed(Block(b"first", pool.take(), pool))  # starts the threads
    interrupt()
    for _ in range(20):
        buffer = pool.take()
        hashing.feed(Block(buffer, buffer, pool))
    assert hashing.digests()
    pool.close()
    failure.set(ValueError())


def test_chunks_are_pulled(interrupt):
    def fetch(sink):
        sink.begin(len(DATA))
        sink.write(DATA)
        sink.commit()

    chunks = iter(Chunks("name", 1_000_000, fetch))
    first = next(chunks)
    interrupt()
    assert b"".join([first, *chunks]) == DATA


def test_calls_of_services_find_a_connection(server, interrupt):
    client = Client(server.url, None, network=Network(proxies={}))
    run(client.call("object", "ping"))
    interrupt()
    for _ in range(2):
        assert run(client.call("object", "ping")) == {}
    run(client.close())


def test_jobs_that_run_at_once_end(server, interrupt):
    client = Client(server.url, None, network=Network(proxies={}))

    async def job():
        await client.call("object", "ping")

    interrupt()
    with pytest.raises(Signal):
        run(client.transport.run_all([job] * 20, 4))
    assert run(client.call("object", "ping")) == {}
    run(client.close())


def test_transfers_find_a_connection(server, interrupt):
    store = StoreClient(Network(proxies={}))
    interrupt()
    for _ in range(2):
        with store.get(server.url, {}) as response:
            assert response.read_available(memoryview(bytearray(100))) == 2
    store.close()

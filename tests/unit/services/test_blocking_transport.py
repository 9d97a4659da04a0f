"""The transport of tasks: interruptions, threads, and connections that the server closed."""

from __future__ import annotations

import contextlib
import gzip
import os
import signal
import socket
import threading
import time

import pytest
from raw_answers import answer, raw_answers
from running_threads import running
from transports import DIRECT
from urllib3 import HTTPResponse

from airflow_provider_taskcluster.common.http import pools, sender
from airflow_provider_taskcluster.common.http.strict_response import read_prefix
from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.common.retry import RetryPolicy
from airflow_provider_taskcluster.exceptions import ConnectionFailed, Interrupted, ServiceError
from airflow_provider_taskcluster.services.client import Client
from airflow_provider_taskcluster.services.runner import run

JSON = b'{"alive": true}'
TASK = "fN1SbArXTPSVFNUvaOlinQ"
ONE_TRY = Network(proxies={}, retry=RetryPolicy(max_retries=0))


class Signal(Exception):
    """What a handler raises."""


@pytest.fixture
def alarm():
    """Run a handler in this thread, after a short time."""
    before = signal.getsignal(signal.SIGALRM)

    def set_alarm(handler):
        signal.signal(signal.SIGALRM, lambda *_: handler())
        signal.setitimer(signal.ITIMER_REAL, 0.2)

    yield set_alarm
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def silent(sent=b""):
    """Serve a beginning, and then nothing; gives the URL, and the requests of each connection."""
    requests, done = [], threading.Event()

    def hold(connection):
        with connection:
            requests.append(connection.recv(1 << 16))
            connection.sendall(sent)
            done.wait()

    def serve():
        with contextlib.suppress(OSError), contextlib.ExitStack() as threads:
            while True:
                thread = threading.Thread(target=hold, args=[listener.accept()[0]])
                thread.start()
                threads.callback(thread.join)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=serve)
        serving.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
        finally:
            done.set()
            listener.shutdown(socket.SHUT_RDWR)
            serving.join()


def ping(url, network=ONE_TRY):
    client = Client(url, None, network=network)
    try:
        return run(client.call("object", "ping"))
    finally:
        run(client.close())


@pytest.mark.parametrize(
    "sent",
    [b"", answer(), answer(body=JSON), answer(body=JSON[:4]), answer("Content-Length: 99"), answer(status="404 No")],
    ids=["nothing", "a head", "perhaps all", "some", "some of many", "an error"],
)
def test_a_stop_is_told_from_the_end_of_a_body(alarm, sent):
    with silent(sent) as (url, _):
        client = Client(url, None, network=DIRECT)
        alarm(client.stop)
        with pytest.raises(Interrupted, match=r"object\.ping was interrupted"):
            run(client.call("object", "ping"))


def test_a_stop_at_the_end_of_a_call_leaves_its_connection_to_the_next_one(server, monkeypatch):
    client, release = Client(server.url, None, network=ONE_TRY), HTTPResponse.release_conn

    def stopped_then(response):
        release(response)
        client.stop()  # as another thread may do
        monkeypatch.undo()

    monkeypatch.setattr(HTTPResponse, "release_conn", stopped_then)
    for _ in range(2):
        run(client.call("object", "ping"))
    run(client.close())
    assert len(server.clients) == 1


def test_an_interruption_ends_all_jobs_and_no_call_of_another_thread(alarm):
    def raise_it():
        raise Signal

    def create():
        with pytest.raises(ConnectionFailed, match="no answer in time"):
            run(client.call("queue", "createTask", TASK, payload={}, once=True))
        ended.append(time.monotonic() - began)

    async def job():
        answers.append(None)
        await client.call("object", "ping")

    answers, ended, began = [], [], time.monotonic()
    with silent() as (url, requests):
        client = Client(url, None, network=Network(proxies={}, read_timeout=1))
        other = threading.Thread(target=create)
        other.start()
        alarm(raise_it)
        with pytest.raises(Signal):
            run(client.transport.run_all([job] * 50, 4))
        interrupted = time.monotonic()
        while running("taskcluster-calls"):
            assert time.monotonic() - interrupted < 0.5
        assert len(answers) == 4
        other.join()
        assert ended[0] >= 1
        assert len(requests) == 5, "no second try"
        run(client.close())


def closing(request):
    """Answer as if the connection were kept; it is closed after that."""
    return answer("Content-Length: 15", body=JSON)


def test_a_connection_that_the_server_just_closed_fails_no_call_that_can_be_repeated():
    with raw_answers(closing) as served:
        client = Client(served.url.removesuffix("/x"), None, network=ONE_TRY)
        for _ in range(200):
            assert run(client.call("object", "ping")) == {"alive": True}
        run(client.close())


def test_a_post_is_not_repeated():
    def lose(_):
        raise ConnectionResetError

    with raw_answers(closing(b""), lose, closing, kept=True) as served:
        client = Client(served.url.removesuffix("/x"), None, network=ONE_TRY)
        run(client.call("object", "ping"))
        with pytest.raises(ConnectionFailed):
            run(client.call("hooks", "triggerHook", "group", "hook", payload={}, once=True))
        run(client.close())
        assert len(served.requests) == 2


def test_a_signal_handler_makes_a_call_while_the_first_one_begins(server, monkeypatch, alarm):
    client, quiet = Client(server.url, None, network=ONE_TRY), sender.quiet_libraries

    def interrupted():
        monkeypatch.setattr(sender, "quiet_libraries", quiet)
        os.kill(os.getpid(), signal.SIGALRM)

    alarm(lambda: run(client.call("object", "ping")))
    monkeypatch.setattr(sender, "quiet_libraries", interrupted)
    assert run(client.call("object", "ping")) == {}
    run(client.close())
    assert len(server.requests) == 2


def test_until_a_child_has_left_the_connections_of_its_parent_none_of_its_threads_uses_them(monkeypatch):
    kept, seen = sender.RequestSender(DIRECT), []
    kept._process = 0  # as in a forked child
    lock = threading.RLock

    def look():
        seen.append(kept._process)
        return lock()

    monkeypatch.setattr(threading, "RLock", look)
    assert not kept.stopped
    assert (seen, kept._process) == ([0], os.getpid())


def test_a_connection_over_those_that_are_kept_is_closed_in_silence(server, monkeypatch, caplog):
    monkeypatch.setattr(pools, "MOST_CONNECTIONS", 1)
    kept = sender.RequestSender(DIRECT)
    with kept.sent("GET", server.url, {}) as (first, _), kept.sent("GET", server.url, {}) as (second, _):
        assert [read_prefix(response, 100) for response in (first, second)] == [b"{}", b"{}"]
    kept.close()
    assert len(server.clients) == 2
    assert not caplog.records


@pytest.mark.parametrize("length", [3, 10, 14, 20])
def test_a_cut_gzip_body_is_no_empty_one(length):
    cut = gzip.compress(JSON)[:length]
    sent = answer("Content-Encoding: gzip", f"Content-Length: {length}", body=cut)
    with raw_answers(sent) as served, pytest.raises(ConnectionFailed, match="its body cannot be decoded as gzip"):
        ping(served.url)


def test_a_body_in_an_encoding_that_was_not_asked_for_is_named():
    with (
        raw_answers(answer("Content-Encoding: br", "Content-Length: 2", body=b"xx")) as served,
        pytest.raises(ConnectionFailed, match="its body cannot be decoded as br;"),
    ):
        ping(served.url)


def test_the_encoding_of_nothing_does_not_matter():
    with raw_answers(answer("Content-Encoding: br", status="204 No Content")) as served:
        assert ping(served.url) is None


def test_an_error_whose_body_cannot_be_decoded_keeps_its_status():
    sent = answer("Content-Encoding: br", "Content-Length: 2", body=b"xx", status="404 Not Found")
    with raw_answers(sent) as served, pytest.raises(ServiceError) as caught:
        ping(served.url)
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (answer("Content-Length: 20", body=JSON), "its body ended early"),
        (answer("Content-Length: 1x", body=JSON), "a Content-Length that cannot be read"),
    ],
)
def test_what_is_wrong_with_a_body_is_told(sent, reason):
    with raw_answers(sent) as served, pytest.raises(ConnectionFailed, match=f": {reason};"):
        ping(served.url)

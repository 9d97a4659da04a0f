"""What both transports do: limits on responses, time-outs, kept connections, and errors for odd bodies."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import textwrap
import threading
import time
import zlib
from functools import partial
from pathlib import Path

import pytest
from raw_answers import answer, chunks, raw_answers
from transports import DIRECT, TRANSPORTS

from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.common.retry import RetryPolicy
from airflow_provider_taskcluster.exceptions import (
    ConfigurationError,
    ConnectionFailed,
    InsufficientScopes,
    ServiceError,
    ServiceUnavailable,
    UnreadableAnswer,
)
from airflow_provider_taskcluster.services.client import Client

LIMIT = 100_000
MIB = 1024 * 1024


def pinged(root_url, transport, times=1, **options):
    network = Network(proxies={}, retry=RetryPolicy(max_retries=0), **options)

    async def use():
        client = Client(root_url, None, network=network, transport=transport(root_url, network))
        try:
            return [await client.call("object", "ping") for _ in range(times)][-1]
        finally:
            await client.close()

    return asyncio.run(use())


@pytest.fixture(params=TRANSPORTS)
def ping(request):
    return partial(pinged, transport=request.param)


def json_of(size):
    return json.dumps({"pad": "x" * (size - len('{"pad": ""}'))}).encode()


@pytest.mark.parametrize("encode", [None, gzip.compress], ids=["plain", "gzip"])
def test_an_answer_up_to_the_limit_is_taken_and_a_larger_one_refused(server, ping, encode):
    for size, fits in ((LIMIT, True), (LIMIT + 1, False), (50 * LIMIT, False)):
        body = json_of(size)
        assert len(body) == size
        server.body = encode(body) if encode else body
        if encode:
            server.headers["Content-Encoding"] = "gzip"
        if fits:
            assert len(ping(server.url, largest_answer=LIMIT)["pad"]) > LIMIT - 20
        else:
            with pytest.raises(
                UnreadableAnswer, match=r"got more than 100000 bytes.* the root URL of a depl"
            ) as caught:
                ping(server.url, largest_answer=LIMIT)
            assert not caught.value.transient


@pytest.mark.parametrize("encode", [None, gzip.compress], ids=["plain", "gzip"])
def test_the_connection_is_kept_after_a_good_answer(server, ping, encode):
    server.body = encode(json_of(70_000)) if encode else json_of(70_000)
    if encode:
        server.headers["Content-Encoding"] = "gzip"
    assert ping(server.url, times=3)
    assert len(server.clients) == 1


def test_requests_ask_for_gzip(server, ping):
    ping(server.url)
    assert "gzip" in server.request_headers[0]["Accept-Encoding"]


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_bundle_that_cannot_be_read_is_a_sentence(tmp_path, ping, content):
    bundle = tmp_path / "ca.pem"
    if content:
        bundle.write_text(content)
    with pytest.raises(ConfigurationError, match=r"The CA bundle .*ca\.pem' \(the extra verify\) cannot be used"):
        ping("https://tc.example.com", verify=str(bundle))


JSON = b'{"alive": true}'
BROKEN = {
    "nothing": b"",
    "a cut head": answer("Content-Type: application/json")[:-2],
    "a cut body": answer("Content-Length: 20", body=JSON),
    "a cut chunk": answer("Transfer-Encoding: chunked", body=b"ff\r\n" + JSON),
    "an unreadable chunk": answer("Transfer-Encoding: chunked", body=b"zz\r\n" + JSON + b"\r\n0\r\n\r\n"),
    "no last chunk": answer("Transfer-Encoding: chunked", body=chunks(JSON)[:-5]),
    "no gzip": answer("Content-Encoding: gzip", "Content-Length: 15", body=JSON),
    "an unreadable length": answer("Content-Length: 1x", body=JSON),
}


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN)
def test_a_broken_response_is_no_response_and_may_pass(ping, sent):
    with raw_answers(sent) as served, pytest.raises(ConnectionFailed, match="got no answer from http") as caught:
        ping(served.url)
    assert caught.value.transient
    assert str(caught.value).isprintable()


def test_a_gzip_body_that_was_cut_before_it_was_sent_is_an_error_as_well(ping):
    cut = gzip.compress(JSON)[:20]
    with (
        raw_answers(answer("Content-Encoding: gzip", "Content-Length: 20", body=cut)) as served,
        pytest.raises((ConnectionFailed, UnreadableAnswer)),
    ):
        ping(served.url)


@pytest.mark.parametrize(
    "sent", [answer(body=JSON), answer("Transfer-Encoding: chunked", body=chunks(JSON[:7], JSON[7:]))], ids=str
)
def test_a_body_may_end_with_its_connection_or_its_last_chunk(ping, sent):
    with raw_answers(sent) as served:
        assert ping(served.url) == {"alive": True}


def test_a_response_that_drips_ends_in_time(ping):
    ended = threading.Event()

    def drip(listener):
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(answer("Content-Length: 1000"))
            while not ended.wait(0.1):
                connection.sendall(b"1")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=[listener])
        thread.start()
        began = time.monotonic()
        with pytest.raises(ConnectionFailed, match="no answer in time"):
            ping(f"http://127.0.0.1:{listener.getsockname()[1]}", connect_timeout=0.5, read_timeout=0.5)
        assert time.monotonic() - began < 5
        ended.set()
        thread.join()


ECHO = "the echo of a large request" * 10_000


@pytest.mark.parametrize("encode", [None, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("status", "kind"), [(403, InsufficientScopes), (400, ServiceError), (503, ServiceUnavailable)], ids=str
)
def test_of_an_error_its_beginning_tells_what_it_is(server, ping, encode, status, kind):
    said = {"code": "Odd", "message": "as it is", "requestInfo": {"payload": {"a": [1, {"b": None}], "c": ECHO}}}
    body = json.dumps(said).encode()
    server.status, server.body = status, encode(body) if encode else body
    if encode:
        server.headers["Content-Encoding"] = "gzip"
    with pytest.raises(ServiceError) as caught:
        ping(server.url)
    assert (type(caught.value), caught.value.code) == (kind, "Odd")
    assert "the echo" not in str(caught.value)


@pytest.mark.parametrize("transport", ["blocking", "in_event_loop"])
@pytest.mark.parametrize("status", [200, 500])
def test_a_bomb_does_not_fill_the_memory(server, preloaded, status, transport):
    """Half a GiB of zeros, in half a MB."""
    compressor = zlib.compressobj(wbits=31)
    server.status, server.headers["Content-Encoding"] = status, "gzip"
    server.body = b"".join([*(compressor.compress(bytes(MIB)) for _ in range(512)), compressor.flush()])
    script = f"""
        import resource, sys
        sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(__file__).parents[1])!r}]
        import transports
        from test_transports import pinged
        from airflow_provider_taskcluster.exceptions import TaskclusterError
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            pinged({server.url!r}, transports.{transport})
        except TaskclusterError:
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    done = preloaded.finished(textwrap.dedent(script), check=True)
    assert int(done.stdout) < 300 * 1024, "KiB"


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("count", [0, 1, 20])
def test_jobs_run_at_once_up_to_a_number(server, transport, count):
    running, seen, lock = 0, [], threading.Lock()
    client = Client(server.url, None, network=DIRECT, transport=transport(server.url))

    async def job():
        nonlocal running
        with lock:
            running += 1
            seen.append(running)
        await client.transport.sleep(0.02)
        await client.call("object", "ping")
        with lock:
            running -= 1

    async def use():
        await client.transport.run_all([job] * count, 4)
        await client.close()

    asyncio.run(use())
    assert len(seen) == len(server.requests) == count
    assert max(seen, default=0) == min(count, 4)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_job_that_fails_ends_the_others(transport):
    done = []

    async def job():
        done.append(1)
        if len(done) == 3:
            raise LookupError("the third one")

    async def use():
        carrier = transport("https://tc.example.com")
        await carrier.run_all([job] * 1000, 1)

    with pytest.raises((LookupError, ExceptionGroup)):
        asyncio.run(use())
    assert len(done) < 1000

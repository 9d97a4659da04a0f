"""Limit on the size of service responses."""

from __future__ import annotations

import asyncio
import gzip
import json
import textwrap
import zlib
from pathlib import Path

import pytest

from airflow_provider_taskcluster.common.network import LARGEST_ANSWER, Network
from airflow_provider_taskcluster.common.retry import RetryPolicy
from airflow_provider_taskcluster.exceptions import (
    InsufficientScopes,
    ServiceError,
    ServiceUnavailable,
    UnreadableAnswer,
)
from airflow_provider_taskcluster.services.client import Client

LIMIT = 100_000
MIB = 1024 * 1024


def ping(root_url, times=1, **options):
    network = Network(proxies={}, retry=RetryPolicy(max_retries=0), **options)

    async def use():
        client = Client(root_url, None, network=network)
        try:
            return [await client.call("object", "ping") for _ in range(times)][-1]
        finally:
            await client.close()

    return asyncio.run(use())


def json_of(size):
    return json.dumps({"pad": "x" * (size - len('{"pad": ""}'))}).encode()


@pytest.mark.parametrize("encode", [None, gzip.compress], ids=["plain", "gzip"])
def test_an_answer_up_to_the_limit_is_taken_and_a_larger_one_refused(server, encode):
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


def test_the_connection_is_kept_after_a_good_answer(server):
    server.body = json_of(70_000)
    assert ping(server.url, times=3)


def test_usually_the_limit_is_64_mib():
    assert Network().largest_answer == LARGEST_ANSWER == 64 * MIB


ECHO = "the echo of a large request" * 10_000


@pytest.mark.parametrize("encode", [None, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("status", "kind"), [(403, InsufficientScopes), (400, ServiceError), (503, ServiceUnavailable)], ids=str
)
def test_of_an_error_its_beginning_tells_what_it_is(server, encode, status, kind):
    said = {"code": "Odd", "message": "as it is", "requestInfo": {"payload": {"a": [1, {"b": None}], "c": ECHO}}}
    body = json.dumps(said).encode()
    server.status, server.body = status, encode(body) if encode else body
    if encode:
        server.headers["Content-Encoding"] = "gzip"
    with pytest.raises(ServiceError) as caught:
        ping(server.url)
    assert (type(caught.value), caught.value.code) == (kind, "Odd")
    assert "the echo" not in str(caught.value)


@pytest.mark.parametrize("status", [200, 500])
def test_a_bomb_does_not_fill_the_memory(server, preloaded, status):
    """Half a GiB of zeros, in half a MB."""
    compressor = zlib.compressobj(wbits=31)
    server.status, server.headers["Content-Encoding"] = status, "gzip"
    server.body = b"".join([*(compressor.compress(bytes(MIB)) for _ in range(512)), compressor.flush()])
    script = f"""
        import resource, sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_bounded_response import ping
        from airflow_provider_taskcluster.exceptions import TaskclusterError
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            ping({server.url!r})
        except TaskclusterError:
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    done = preloaded.finished(textwrap.dedent(script), check=True)
    assert int(done.stdout) < 300 * 1024, "KiB"

"""JSON calls to a server that answers like no Taskcluster service would."""

from __future__ import annotations

import asyncio
import socket
import threading
from datetime import UTC, datetime

import pytest
from transports import TRANSPORTS, blocking

from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.common.retry import RetryPolicy
from airflow_provider_taskcluster.exceptions import ConnectionFailed, ServiceError
from airflow_provider_taskcluster.services.artifacts import Artifacts
from airflow_provider_taskcluster.services.auth import Auth
from airflow_provider_taskcluster.services.client import Client
from airflow_provider_taskcluster.services.objects import Objects
from airflow_provider_taskcluster.services.purge_cache import PurgeCache

TASK = "fN1SbArXTPSVFNUvaOlinQ"


async def listed(iterator):
    return [item async for item in iterator]


CALLS = {
    "createUpload": lambda client: Objects(client).create_upload("a", {}),
    "startDownload": lambda client: Objects(client).start_download("a", {}),
    "object": lambda client: Objects(client).metadata("a"),
    "artifactInfo": lambda client: Artifacts(client).info(TASK, "a", 0),
    "artifact": lambda client: Artifacts(client).content(TASK, "a", None),
    "listArtifacts": lambda client: listed(Artifacts(client).pages(TASK, 0)),
    "purgeRequests": lambda client: PurgeCache(client).requests("a/b", datetime.now(UTC)),
    "allPurgeRequests": lambda client: listed(PurgeCache(client).all_requests()),
    "one page": lambda client: PurgeCache(client).page(1),
    "currentScopes": lambda client: Auth(client).current_scopes(),
}


def answer_to(call, root_url, transport=blocking):
    network = Network(proxies={}, retry=RetryPolicy(max_retries=0))

    async def use():
        client = Client(root_url, None, network=network, transport=transport(root_url, network))
        try:
            return await call(client)
        finally:
            await client.close()

    return asyncio.run(use())


@pytest.mark.parametrize("body", [b"null", b"[]", b"{}", b'"text"', b'{"artifacts": null, "requests": 7}'], ids=repr)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_json_of_another_shape_is_not_taskclusters(server, call, body):
    server.body = body
    with pytest.raises(
        ServiceError, match=r"got JSON that is not Taskcluster's: is http://127.*the root URL"
    ) as caught:
        answer_to(call, server.url)
    assert not caught.value.transient


@pytest.fixture
def babbler():
    """A server that speaks something else than HTTP."""
    listener = socket.create_server(("127.0.0.1", 0))

    def babble():
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

    thread = threading.Thread(target=babble)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread.join()
    listener.close()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_the_http_parser_says_is_told_on_one_line(babbler, transport):
    with pytest.raises(ConnectionFailed, match="got no answer") as caught:
        answer_to(CALLS["object"], babbler, transport)
    assert str(caught.value).isprintable()
    assert "^" not in str(caught.value)

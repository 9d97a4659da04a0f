from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.common.redaction import public_url, quiet_libraries
from airflow_provider_taskcluster.services.client import Client
from airflow_provider_taskcluster.services.credentials import Credentials, narrowed
from airflow_provider_taskcluster.transfer.http.client import StoreClient

SIGNED = "/bucket/blob?X-Amz-Signature=c0ffee&X-Amz-Credential=key"
LIBRARIES = ("taskcluster", "taskcluster.aio.asyncutils", "taskcluster.aio.asyncclient", "mohawk", "mohawk.base")


@pytest.fixture(autouse=True)
def _levels_as_they_were():
    before = {name: logging.getLogger(name).level for name in LIBRARIES}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://host/a/b?signature=c0ffee", "https://host/a/b"),
        ("https://host/a#token=c0ffee", "https://host/a"),
        ("https://me:secret@host:8443/a", "https://host:8443/a"),
        ("https://host", "https://host"),
        ("s3://bucket/key?x=1", "s3://bucket/key"),
        ("", ""),
    ],
)
def test_of_a_url_only_host_and_path_are_public(url, public):
    assert public_url(url) == public


@pytest.mark.parametrize("url", ["http://[::1/a?signature=c0ffee", "http://me:c0ffee@[bad/a"])
def test_a_url_that_cannot_be_parsed_is_public_without_its_secrets_too(url):
    assert "c0ffee" not in public_url(url)


def fetch_signed(server):
    store = StoreClient(Network(proxies={}))
    with store.get(server.url + SIGNED, {}) as answer:
        buffer = memoryview(bytearray(100))
        assert buffer[: answer.readinto(buffer)] == server.body
    store.close()


def test_the_debug_log_of_urllib3_shows_the_path_of_a_signed_url_but_not_its_signature(server, caplog):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="urllib3.connectionpool")
    fetch_signed(server)
    assert server.requests == [("GET", SIGNED)]  # it was sent whole
    assert '"GET /bucket/blob HTTP' in caplog.text
    assert "c0ffee" not in caplog.text


def test_the_filter_of_urllib3_is_there_once_however_often_it_is_asked_for():
    quiet_libraries()
    before = list(logging.getLogger("urllib3.connectionpool").filters)
    quiet_libraries()
    assert logging.getLogger("urllib3.connectionpool").filters == before


def temporary_credentials():
    issuer = Credentials("project/issuer", "issuers-secret-token")
    return narrowed(issuer, ["queue:status:*"], datetime.now(UTC) + timedelta(hours=1))


def call(server, credentials):
    async def once():
        client = Client(server.url, credentials, network=Network(proxies={}))
        try:
            return await client.call("object", "startDownload", "blob", payload={})
        finally:
            await client.close()

    return asyncio.run(once())


@pytest.mark.parametrize("user_sets", ["", *LIBRARIES], ids=lambda name: name or "the root logger")
def test_the_debug_logs_of_the_json_side_show_neither_credentials_nor_answers(server, caplog, user_sets):
    caplog.set_level(logging.DEBUG)
    logging.getLogger(user_sets).setLevel(logging.DEBUG)
    server.body = json.dumps({"method": "simple", "url": "https://store/blob?signature=c0ffee"}).encode()
    credentials = temporary_credentials()
    call(server, credentials)
    for secret in (credentials.access_token, "c0ffee", "mac=", "ext="):
        assert secret not in caplog.text


def test_without_us_those_debug_logs_would_show_them(server, caplog):
    """Proof that the test above can fail: if the package stops logging them, both can go."""
    from taskcluster import aio

    caplog.set_level(logging.DEBUG)
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.DEBUG)
    server.body = json.dumps({"method": "simple", "url": "https://store/blob?signature=c0ffee"}).encode()

    async def once():
        async with aio.createSession() as session:
            options = {"rootUrl": server.url, "credentials": temporary_credentials().as_options()}
            await aio.Object(options, session=session).startDownload("blob", {})

    asyncio.run(once())
    assert "mac=" in caplog.text
    assert "ext=" in caplog.text


def test_a_user_who_wants_less_than_info_of_the_libraries_gets_less():
    logging.getLogger("taskcluster").setLevel(logging.ERROR)
    quiet_libraries()
    assert logging.getLogger("taskcluster").level == logging.ERROR
    assert logging.getLogger("taskcluster.aio.asyncutils").getEffectiveLevel() == logging.ERROR

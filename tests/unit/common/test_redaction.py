from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from transports import TRANSPORTS

from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.common.redaction import masked, public_url, quiet_libraries, secret_paths
from airflow_provider_taskcluster.services.client import Client
from airflow_provider_taskcluster.services.credentials import Credentials, narrowed
from airflow_provider_taskcluster.transfer.http.client import StoreClient

SIGNED = "/bucket/blob?X-Amz-Signature=c0ffee&X-Amz-Credential=key"
LIBRARIES = (
    "taskcluster",
    "taskcluster.client",
    "taskcluster.aio.asyncutils",
    "taskcluster.aio.asyncclient",
    "mohawk",
    "mohawk.base",
)


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


def call(server, credentials, transport):
    async def once():
        client = Client(server.url, credentials, network=Network(proxies={}), transport=transport(server.url))
        try:
            return await client.call("object", "startDownload", "blob", payload={})
        finally:
            await client.close()

    return asyncio.run(once())


def test_the_first_request_of_a_process_is_not_logged_either(server):
    """Its libraries are imported for it, and with them come their loggers."""
    script = """if True:
        import logging, sys
        from airflow_provider_taskcluster.common.network import Network
        from airflow_provider_taskcluster.services.client import Client
        from airflow_provider_taskcluster.services.credentials import Credentials
        from airflow_provider_taskcluster.services.runner import run
        logging.basicConfig(level=logging.DEBUG, force=True)
        client = Client(sys.argv[1], Credentials("me", "token"), network=Network(proxies={}))
        run(client.call("object", "ping"))
        run(client.close())
    """
    done = subprocess.run([sys.executable, "-c", script, server.url], capture_output=True, text=True, check=True)
    assert "DEBUG:" in done.stderr
    assert "mac=" not in done.stderr


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("user_sets", ["", *LIBRARIES], ids=lambda name: name or "the root logger")
def test_the_debug_logs_of_the_json_side_show_neither_credentials_nor_answers(server, caplog, user_sets, transport):
    caplog.set_level(logging.DEBUG)
    logging.getLogger(user_sets).setLevel(logging.DEBUG)
    server.body = json.dumps({"method": "simple", "url": "https://store/blob?signature=c0ffee"}).encode()
    credentials = temporary_credentials()
    call(server, credentials, transport)
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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nothing = here: a@b", "nothing = here: a@b"),
        ("the token c0ffee-c0ffee, and c0ffee-c0ffee-more", "the token ***, and ***"),
        ("https://s/b?X-Amz-Expires=9&X-Amz-Signature=abc&z=1", "https://s/b?X-Amz-Expires=9&X-Amz-Signature=***&z=1"),
        ("https://tc/x?bewit=abc== and", "https://tc/x?bewit=*** and"),
        (
            "git clone https://user:word@host/p and https://host/@scope",
            "git clone https://***@host/p and https://host/@scope",
        ),
        ("one\nhttps://t@h/\ntwo", "one\nhttps://***@h/\ntwo"),
    ],
)
def test_secrets_in_foreign_text_are_masked(text, shown):
    assert masked(text, ("c0ffee-c0ffee", "c0ffee-c0ffee-more", "")) == shown


def test_a_path_that_is_a_secret_is_not_logged_by_urllib3(caplog):
    quiet_libraries()
    pool = logging.getLogger("urllib3.connectionpool")
    caplog.set_level(logging.DEBUG, logger=pool.name)
    with secret_paths():
        pool.debug('%s://%s:%s "%s %s %s" %s', "http", "host", 80, "GET", "/log/c0ffee", "HTTP/1.1", 200)
        pool.debug("%s %s", "GET", "http://host/log/c0ffee")
    assert "c0ffee" not in caplog.text
    pool.debug("%s %s", "GET", "/public/c0ffee?signature")
    assert "GET /public/c0ffee" in caplog.text
    assert "signature" not in caplog.text

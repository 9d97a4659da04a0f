"""Proxies: JSON calls and bytes take the same way, and a proxy that fails is named."""

from __future__ import annotations

import os

import pytest
from local_servers import proxying

from airflow_provider_taskcluster.exceptions import ConnectionFailed

DATA = os.urandom(100_000)
JSON_CALLS, BYTES = "/api/", "/objects/"


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch):
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)


@pytest.fixture
def proxy():
    with proxying() as proxy:
        yield proxy


def round_trip(hook, name, expires):
    hook.upload_object(DATA, name, expires=expires)
    assert hook.read_object(name) == DATA


def test_json_calls_and_bytes_go_through_the_proxy_of_the_connection(connect, proxy, name, expires, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")  # holds for proxies of the environment only
    round_trip(connect(extra={"proxies": {"http": proxy.url}}), name, expires)
    methods = [(method, kind) for method, url in proxy.requests for kind in (JSON_CALLS, BYTES) if kind in url]
    assert {("PUT", JSON_CALLS), ("POST", JSON_CALLS), ("PUT", BYTES), ("GET", BYTES)} <= set(methods)


def test_json_calls_and_bytes_go_through_the_proxy_of_the_environment(connect, proxy, name, expires, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    round_trip(connect(), name, expires)
    assert {kind for _, url in proxy.requests for kind in (JSON_CALLS, BYTES) if kind in url} == {JSON_CALLS, BYTES}


def test_no_proxy_of_the_environment_holds_for_both(connect, proxy, name, expires, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    round_trip(connect(), name, expires)
    assert not proxy.requests


def test_an_empty_object_means_no_proxy_whatever_the_environment_says(connect, proxy, name, expires, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    round_trip(connect(extra={"proxies": {}}), name, expires)
    assert not proxy.requests


@pytest.mark.parametrize("root_url", ["http://tc.example.com", "https://tc.example.com"])
@pytest.mark.parametrize(
    ("address", "why"),
    [("127.0.0.1:1", "Connection refused"), ("nowhere.invalid:3128", "is the proxy up, and its URL right")],
)
def test_a_dead_proxy_is_named_without_its_login(connect, root_url, address, why):
    hook = connect(host=root_url, extra={"proxies": dict.fromkeys(["http", "https"], f"http://me:hunter2@{address}")})
    good, message = hook.test_connection()
    assert not good
    assert f"the proxy http://{address} failed: " in message
    assert why in message
    assert "is the root URL right" not in message
    assert "hunter2" not in message


def test_a_dead_proxy_is_named_without_its_login_when_bytes_meet_it(connect, run):
    run.add_reference("public/r", "https://store.example.com/r")
    hook = connect(extra={"max_retries": 0, "proxies": {"https": "http://me:hunter2@127.0.0.1:1"}})
    with pytest.raises(ConnectionFailed) as caught:
        hook.read_artifact(run.task_id, "public/r", allow_reference=True)
    assert "hunter2" not in str(caught.value)
    assert "did not get past the proxy http://127.0.0.1:1: Connection refused" in str(caught.value)


def test_a_proxy_with_a_login(connect, tc, no_waiting, name, expires):
    with proxying("me:hun%ter2") as proxy:
        good = proxy.url.replace("://", "://me:hun%25ter2@")
        round_trip(connect(extra={"proxies": {"http": good}}), name, expires)
        wrong = proxy.url.replace("://", "://me:wrong-password@")
        with pytest.raises(ConnectionFailed, match=r"the proxy http://127\.0.*\(407\); write its login") as caught:
            connect(extra={"proxies": {"http": wrong}}).ping()
    assert "wrong-password" not in str(caught.value)
    assert not no_waiting

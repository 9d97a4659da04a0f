"""HTTP proxies: used for JSON calls and bytes alike, and named in errors."""

from __future__ import annotations

import os

import pytest
from local_servers import Alive, proxying, self_signed, serving

from airflow_provider_taskcluster.exceptions import ConfigurationError, ConnectionFailed

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
def test_a_dead_proxy_is_named_without_its_login(connect, ping, root_url, address, why):
    proxies = dict.fromkeys(["http", "https"], f"http://me:hunter2@{address}")
    with pytest.raises(ConnectionFailed) as caught:
        ping(host=root_url, extra={"proxies": proxies, "max_retries": 0})
    message = str(caught.value)
    assert not connect(host=root_url, extra={"proxies": proxies}).test_connection()[0]
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


def test_a_proxy_with_a_login(connect, ping, tc, no_waiting, name, expires):
    with proxying("me:hun%ter2") as proxy:
        good = proxy.url.replace("://", "://me:hun%25ter2@")
        assert ping(extra={"proxies": {"http": good}})["alive"]
        round_trip(connect(extra={"proxies": {"http": good}}), name, expires)
        wrong = proxy.url.replace("://", "://me:wrong-password@")
        with pytest.raises(ConnectionFailed, match=r"the proxy http://127\.0.*\(407\); write its login") as caught:
            ping(extra={"proxies": {"http": wrong}})
    assert "wrong-password" not in str(caught.value)
    assert not no_waiting


LOGINS = {
    "beyond latin-1": "me:\u043f\u0430\u0440\u043e\u043b\u044c",
    "encoded": "%E2%82%AC:hunter2",
    "a colon": "m%3Ae:hunter2",
}


@pytest.mark.parametrize("login", LOGINS.values(), ids=LOGINS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_login_that_http_does_not_carry_is_refused_before_anything_is_sent(ping, tc, monkeypatch, scheme, login):
    url = f"http://{login}@proxy.example.com:3128"
    host = tc.root_url.replace("http", scheme)
    with pytest.raises(ConfigurationError, match=r"http://proxy.example.com:3128 cannot be used: ") as caught:
        ping(host=host, extra={"proxies": {scheme: url}})
    monkeypatch.setenv(f"{scheme}_proxy", url)
    with pytest.raises(ConfigurationError, match=r"http://proxy.example.com:3128 cannot be used: ") as of_environment:
        ping(host=host)
    for error in (caught.value, of_environment.value):
        assert "hunter2" not in str(error)
        assert "\u043f" not in str(error)
    assert not tc.journal.entries()


def test_bytes_meet_the_same_refusal(connect, run, monkeypatch):
    hook = connect()
    run.add_reference("public/r", "https://store.example.com/r")
    monkeypatch.setenv("https_proxy", "http://me:\u20ac@proxy.example.com:3128")
    with pytest.raises(ConfigurationError, match="its login has characters beyond latin-1"):
        hook.read_artifact(run.task_id, "public/r", allow_reference=True)


@pytest.mark.parametrize("proxy", ["http://proxy:port", "http://[proxy", "proxy:99999"])
def test_a_proxy_of_the_environment_that_cannot_be_is_told(ping, monkeypatch, proxy):
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(ConfigurationError, match="cannot be used: its URL is none"):
        ping()


def test_a_login_in_latin_1_is_sent(connect, ping, name, expires):
    with proxying("me:p\u00e4ss") as proxy:
        extra = {"proxies": {"http": proxy.url.replace("://", "://me:p%C3%A4ss@")}}
        assert ping(extra=extra)["alive"]
        round_trip(connect(extra=extra), name, expires)


def test_a_proxy_that_refuses_to_connect_wants_its_login(ping):
    """A request to an https URL asks the proxy for a connection first."""
    with proxying("me:hunter2") as proxy, pytest.raises(ConnectionFailed, match="write its login into") as caught:
        ping(host="https://tc.example.com", extra={"proxies": {"https": proxy.url}})
    assert not caught.value.transient


def test_an_encrypted_call_goes_through_the_proxy(ping, tmp_path):
    certificate = self_signed(tmp_path)
    with proxying("me:hunter2") as proxy, serving(Alive, certificate=certificate) as url:
        proxies = {"https": proxy.url.replace("://", "://me:hunter2@")}
        assert ping(host=url, extra={"verify": str(certificate), "proxies": proxies})["alive"]
    assert proxy.requests == [("CONNECT", url.removeprefix("https://"))]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_encrypted_proxy_that_is_not_trusted_is_permanent(ping, tmp_path, no_waiting, scheme):
    with serving(Alive, certificate=self_signed(tmp_path)) as url, pytest.raises(ConnectionFailed) as caught:
        ping(host=f"{scheme}://tc.example.com", extra={"proxies": {scheme: url}})
    assert f"through the proxy {url}: the certificate is not trusted (self-signed certificate); " in str(caught.value)
    assert not caught.value.transient
    assert not no_waiting

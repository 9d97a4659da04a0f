from __future__ import annotations

import pytest

from airflow_provider_taskcluster.network import Network

VARIABLES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_without_any_proxy_connections_are_direct():
    assert Network().proxy_for("https://tc.example.com/api") is None


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy"])
def test_the_environment_names_the_proxy_by_scheme(monkeypatch, variable):
    monkeypatch.setenv(variable, "http://proxy:3128")
    assert Network().proxy_for("https://tc.example.com/api") == "http://proxy:3128"
    assert Network().proxy_for("http://tc.example.com/api") is None


@pytest.mark.parametrize(
    ("no_proxy", "direct"),
    [
        ("tc.example.com", True),
        ("example.com", True),
        (".example.com", True),
        ("a.org, example.com", True),
        ("tc.example.com:8443", True),
        ("tc.example.com:9999", False),
        ("*", True),
        ("other.com", False),
        ("ample.com", False),
    ],
)
def test_no_proxy_takes_hosts_and_domains_out(monkeypatch, no_proxy, direct):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert Network().proxy_for("https://tc.example.com:8443/api") == (None if direct else "http://proxy:3128")


def test_a_login_in_the_url_does_not_hide_its_host_from_no_proxy(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "store.example.com")
    assert Network().proxy_for("https://me:secret@store.example.com/blob") is None


def test_an_environment_proxy_without_a_scheme_is_an_http_proxy(monkeypatch):
    """As curl and requests read it; aiohttp would take the host for a scheme."""
    monkeypatch.setenv("HTTPS_PROXY", "proxy:3128")
    assert Network().proxy_for("https://tc.example.com") == "http://proxy:3128"


def test_proxies_of_the_connection_win_over_the_environment(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://environment:3128")
    monkeypatch.setenv("NO_PROXY", "tc.example.com")
    assert Network(proxies={"https": "http://own:1"}).proxy_for("https://tc.example.com") == "http://own:1"
    assert Network(proxies={}).proxy_for("https://tc.example.com") is None


def test_a_proxy_password_does_not_show():
    assert "hunter2" not in repr(Network(proxies={"https": "http://me:hunter2@proxy:1"}))


def test_usually_the_well_known_authorities_are_trusted():
    import certifi

    assert Network().ca_bundle() == certifi.where()


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_environment_may_name_the_trusted_certificates(monkeypatch, variable):
    monkeypatch.setenv(variable, "/certs/company.pem")
    assert Network().ca_bundle() == "/certs/company.pem"


@pytest.mark.parametrize("verify", [False, "/certs/own.pem"])
def test_what_the_connection_says_about_certificates_wins(monkeypatch, verify):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/certs/company.pem")
    assert Network(verify=verify).ca_bundle() == verify

from __future__ import annotations

import shutil
import ssl
from pathlib import Path

import certifi
import pytest

from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.exceptions import ConfigurationError

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
        ("tc.example.com.", True),
        ("example.com.", True),
        ("tc.example.com.:8443", True),
        ("tc.example.com.:9999", False),
        ("other.com", False),
        ("ample.com", False),
    ],
)
@pytest.mark.parametrize("host", ["tc.example.com", "tc.example.com."])
def test_no_proxy_takes_hosts_and_domains_out(monkeypatch, no_proxy, direct, host):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert Network().proxy_for(f"https://{host}:8443/api") == (None if direct else "http://proxy:3128")
    if ":" not in no_proxy:
        assert Network().proxy_for(f"https://{host}/api") == (None if direct else "http://proxy:3128")


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "10.1.2.3:8443", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.1.2.9/24", "10.1.2.3", True),
        ("other.com, 192.168.1.0/24", "192.168.1.255", True),
        ("192.168.1.7", "192.168.1.7:1", True),
        ("192.168.1.7:1", "192.168.1.7:1", True),
        ("192.168.1.7:2", "192.168.1.7:1", False),
        ("::1", "[::1]", True),
        ("::1", "[::1]:8443", True),
        ("[::1]", "[::1]:8443", True),
        ("[::1]:8443", "[::1]:8443", True),
        ("[::1]:8444", "[::1]:8443", False),
        ("0:0:0:0:0:0:0:1", "[::1]", True),
        ("fd00::/8", "[fd12:3456::1]:8443", True),
        ("fd00::/8", "[fe80::1]", False),
        ("[fd00::]/8", "[fd12::1]", False),
        ("10.0.0.0/8", "[::ffff:10.1.2.3]", True),
        ("10.1.2.3.", "10.1.2.3", True),
        ("10.0.0.0/8", "10.1.2.3.", True),
        ("::ffff:10.0.0.0/104", "10.1.2.3", True),
        ("::ffff:10.0.0.0/104", "[::ffff:10.1.2.3]", True),
        ("::ffff:10.0.0.0/104", "11.1.2.3", False),
        ("::ffff:10.1.2.3", "10.1.2.3", True),
        ("::ffff:10.1.2.3/8", "10.1.2.3", False),
        ("10.0.0.0/8", "10.example.com", False),
        ("10.0.0.0/99, ::1/x, ], [, /, 300.0.0.0/8", "10.1.2.3", False),
        ("*", "[::1]", True),
    ],
)
@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
def test_no_proxy_takes_addresses_and_networks_out(monkeypatch, no_proxy, host, direct, scheme):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert Network().proxy_for(f"{scheme}://{host}/api") == (None if direct else "http://proxy:3128")


def test_schemes_in_capitals_are_the_same(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "HTTP://me:Hunter2@Proxy:3128")
    assert Network().proxy_for("HTTPS://tc.example.com/api") == "http://me:Hunter2@Proxy:3128"
    assert Network(proxies={"https": "http://own:1"}).proxy_for("HTTPS://tc.example.com") == "http://own:1"


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
    usual = ssl.create_default_context(cafile=certifi.where())
    trusted = Network().tls_context()  # shared: OpenSSL sorts its certificates when it is first used
    assert sorted(trusted.get_ca_certs(binary_form=True)) == sorted(usual.get_ca_certs(binary_form=True))


@pytest.fixture
def bundle(tmp_path):
    """A file with one certificate."""
    path = tmp_path / "ca.pem"
    end = "-----END CERTIFICATE-----\n"
    path.write_text(Path(certifi.where()).read_text().partition(end)[0] + end)
    return str(path)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_environment_may_name_the_trusted_certificates(monkeypatch, bundle, variable):
    monkeypatch.setenv(variable, bundle)
    assert len(Network().tls_context().get_ca_certs()) == 1


def test_what_the_connection_says_about_certificates_wins(monkeypatch, bundle):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/company.pem")
    assert Network(verify=False).tls_context() is False
    assert len(Network(verify=bundle).tls_context().get_ca_certs()) == 1


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file"), ("not a certificate", "no certificate or crl found"), ("", "no cert")]
)
@pytest.mark.parametrize("named_by", ["the extra verify", "the environment variable REQUESTS_CA_BUNDLE"])
def test_a_bundle_that_cannot_be_used_is_one_sentence(monkeypatch, tmp_path, content, why, named_by):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    network = Network(verify=str(path) if "verify" in named_by else True)
    with pytest.raises(ConfigurationError) as caught:
        network.tls_context()
    assert f"The CA bundle {str(path)!r} ({named_by}) cannot be used: {why}" in str(caught.value)


def test_a_folder_is_no_bundle(monkeypatch, tmp_path):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    with pytest.raises(ConfigurationError, match="is not a file: name one file in PEM format"):
        Network().tls_context()


def test_a_bundle_that_was_corrected_is_read_again(tmp_path):
    path = tmp_path / "ca.pem"
    path.touch()
    network = Network(verify=str(path))
    with pytest.raises(ConfigurationError):
        network.tls_context()
    shutil.copy(certifi.where(), path)
    assert network.tls_context().get_ca_certs()


def test_a_proxy_of_the_environment_that_is_not_http_is_refused_in_a_sentence(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "socks5://me:hunter2@proxy:1080")
    with pytest.raises(ConfigurationError, match="names a socks5 proxy for https") as caught:
        Network().proxy_for("https://tc.example.com")
    assert "hunter2" not in str(caught.value)

"""TLS through the hook, to a server with a self-signed certificate: JSON calls and bytes."""

from __future__ import annotations

import warnings

import pytest
from local_servers import Alive, redirecting, self_signed, serving

from airflow_provider_taskcluster.exceptions import ConfigurationError, ConnectionFailed, ServiceError

VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch):
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def secure_url(certificate):
    with serving(Alive, certificate=certificate) as url:
        yield url


@pytest.fixture
def plain_url():
    with serving(Alive) as url:
        yield url


@pytest.fixture(params=["blocking", "event loop", "bytes"])
def fetch(request, connect, pings, run):
    """Reach a URL by a JSON call of either hook, and as a body: a reference artifact that leads there."""

    def body(url, **extra):
        run.add_reference("public/r", f"{url}/body")
        return connect("tc_tls", extra=extra).read_artifact(run.task_id, "public/r", allow_reference=True)

    if request.param == "bytes":
        return body
    return lambda url, **extra: pings[request.param]("tc_tls", host=url, extra=extra)


GOOD = ({"alive": True}, b'{"alive": true}')


def test_a_bundle_with_the_certificate_makes_it_trusted(fetch, secure_url, certificate):
    assert fetch(secure_url, verify=str(certificate)) in GOOD


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_environment_may_name_the_bundle(fetch, secure_url, certificate, monkeypatch, variable):
    monkeypatch.setenv(variable, str(certificate))
    assert fetch(secure_url) in GOOD


def test_without_verification_anybody_is_trusted_and_that_is_said_once(fetch, secure_url, caplog):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert fetch(secure_url, verify=False) in GOOD
    assert not [warning for warning in caught if "HTTPS request" in str(warning.message)]
    assert caplog.text.count("'tc_tls' verifies no certificates") == 1


def test_a_certificate_that_nobody_knows_is_permanent_and_says_how_to_trust_it(fetch, secure_url, no_waiting):
    with pytest.raises(ConnectionFailed, match=r"self-signed certificate.*; trust .* with the extra verify") as caught:
        fetch(secure_url, verify=True)
    assert not caught.value.transient
    assert not no_waiting
    assert "Operation not permitted" not in str(caught.value)


def test_a_server_that_speaks_no_tls_is_named_as_that(fetch, connect, plain_url, no_waiting):
    url = plain_url.replace("http:", "https:")
    with pytest.raises(ConnectionFailed, match="the URL says https, but the server does not speak TLS: is it http"):
        fetch(url)
    assert not no_waiting
    assert connect("tc_tls", host=url).test_connection()[0] is False


def test_a_redirect_names_where_it_leads(connect, ping, no_waiting):
    with serving(redirecting("https://me:secret@tc.example.com")) as url:
        with pytest.raises(ServiceError, match=r"it redirects to https://tc\.example\.com \(301\)") as caught:
            ping("tc_tls", host=url)
        good, message = connect("tc_tls", host=url).test_connection()
    assert not good
    assert "https://tc.example.com" in message
    assert "secret" not in str(caught.value) + message
    assert not no_waiting


@pytest.mark.parametrize("kind", ["folder", "nonsense", "missing"])
def test_a_bundle_that_cannot_be_one_is_a_sentence(fetch, connect, secure_url, tmp_path, monkeypatch, kind):
    (tmp_path / "nonsense").write_text("not a certificate")
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / kind))
    with pytest.raises(ConfigurationError, match=rf"{kind}' \(the environment variable REQUESTS_CA_BUNDLE\)"):
        fetch(secure_url)
    good, message = connect("tc_tls", host=secure_url).test_connection()
    assert not good
    assert "REQUESTS_CA_BUNDLE" in message

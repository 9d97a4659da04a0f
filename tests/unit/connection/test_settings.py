from __future__ import annotations

import json
import time
from types import SimpleNamespace

import pytest

from airflow_provider_taskcluster.connection import settings
from airflow_provider_taskcluster.connection.fields import EXTRA_FIELDS
from airflow_provider_taskcluster.connection.parsing import extra_of
from airflow_provider_taskcluster.exceptions import ConfigurationError

HOUR_MS = 3_600_000


def certificate(life_ms=HOUR_MS, **changes):
    now = int(time.time() * 1000)
    fields = {"version": 1, "scopes": ["a"], "start": now, "expiry": now + life_ms, "seed": "s", "signature": "c0ffee"}
    return fields | changes


def parse(host="https://tc.example.com", login=None, password=None, port=None, environ=(), **extra):
    return settings.parse(
        conn_id="tc", host=host, login=login, password=password, port=port, extra=extra, environ=dict(environ)
    )


def refusal(**connection):
    with pytest.raises(ConfigurationError) as caught:
        parse(**connection)
    return str(caught.value)


def test_a_root_url_alone_is_an_anonymous_connection_with_the_usual_limits():
    found = parse()
    assert found.root_url == "https://tc.example.com"
    assert found.credentials is None
    assert found.authorized_scopes is None
    assert found.live_log_hosts is None
    assert (found.network.connect_timeout, found.network.read_timeout) == (10, 60)
    assert (found.network.retry.retry_seconds, found.network.retry.max_retries) == (60, 100)
    assert found.secrets == ()


@pytest.mark.parametrize("unset", [None, ""])
def test_none_and_empty_mean_unset_in_every_extra(unset):
    assert parse(**{field.name: unset for field in EXTRA_FIELDS}) == parse()


@pytest.mark.parametrize(("written", "means"), [(True, True), ("true", True), (False, False), ("false", False)])
def test_files_are_durable_unless_the_connection_says_otherwise(written, means):
    assert parse().durable is True
    assert parse(durable=written).durable is means
    assert settings.from_environment({"TASKCLUSTER_ROOT_URL": "https://tc"}, conn_id="tc").durable is True
    assert "durable is 'perhaps': write true or false" in refusal(durable="perhaps")


def test_every_extra_reaches_its_place(tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    found = parse(
        login="client",
        password="token",
        certificate=json.dumps(certificate()),
        authorized_scopes="a b",
        project_id="project",
        connect_timeout="3",
        read_timeout=4.5,
        retry_seconds="90",
        max_retries="0",
        verify=str(bundle),
        proxies='{"https": "http://proxy:1"}',
        upload_secret="pepper",
        live_log_hosts="*.workers.example",
    )
    assert found.live_log_hosts == ("*.workers.example",)
    assert (found.credentials.client_id, found.credentials.access_token) == ("client", "token")
    assert json.loads(found.credentials.certificate)["signature"] == "c0ffee"
    assert found.authorized_scopes == ("a", "b")
    assert found.project_id == "project"
    assert (found.network.connect_timeout, found.network.read_timeout) == (3, 4.5)
    assert (found.network.retry.retry_seconds, found.network.retry.max_retries) == (90, 0)
    assert found.network.verify == str(bundle)
    assert found.network.proxies == {"https": "http://proxy:1"}
    assert found.secrets == ("token", found.credentials.certificate, "pepper")


def test_secrets_never_show_in_a_repr():
    found = parse(
        login="client",
        password="hidden-token",
        certificate=certificate(signature="hidden-signature"),
        upload_secret="hidden-pepper",
        proxies={"https": "http://me:hidden-password@proxy:1"},
    )
    assert "hidden" not in repr(found)
    assert "client" in repr(found)


def test_the_scheme_of_the_root_url_may_be_in_capitals():
    assert parse(host="HTTPS://tc.example.com:8443").root_url == "https://tc.example.com:8443"


@pytest.mark.parametrize("slashes", ["/", "//"])
def test_slashes_at_the_end_of_the_root_url_do_not_count(slashes):
    assert parse(host=f"https://tc.example.com{slashes}").root_url == "https://tc.example.com"
    assert (
        from_environment(TASKCLUSTER_ROOT_URL=f"https://tc.example.com{slashes}").root_url == "https://tc.example.com"
    )


@pytest.mark.parametrize(
    ("host", "advice"),
    [
        (None, "has no root URL: set it"),
        ("", "has no root URL: set it"),
        ("https://tc.example.com/path/", "ends after the host; write 'https://tc.example.com'"),
        ("https:///", "is not a root URL; write https://host"),
        ("tc.example.com", "no scheme; write 'https://tc.example.com'"),
        ("tc.example.com:8443", "no scheme; write 'https://tc.example.com:8443'"),
        (" https://tc.example.com\n", "white space around it; write 'https://tc.example.com'"),
        ("ftp://tc.example.com", "is not a root URL; write https://host"),
        ("https://", "'https://' is not a root URL; write https://host"),
        ("https://:443", "is not a root URL; write https://host"),
        ("https://.", "is not a root URL; write https://host"),
        (f"https://{'a' * 64}.example.com", "is not a root URL; write https://host"),
        ("https://a b", "is not a root URL; write https://host"),
        ("https://[bad", "is not a root URL; write https://host"),
        ("https://host:port", "is not a root URL; write https://host"),
        ("https://host:99999", "is not a root URL; write https://host"),
        ("https://tc.example.com/api", "ends after the host; write 'https://tc.example.com'"),
        ("https://tc.example.com?x=1", "ends after the host; write 'https://tc.example.com'"),
        ("https://tc.example.com?", "ends after the host; write 'https://tc.example.com'"),
        ("https://tc.example.com#x", "ends after the host; write 'https://tc.example.com'"),
    ],
)
def test_a_root_url_that_cannot_be_one_says_what_to_write(host, advice):
    message = refusal(host=host)
    assert message.startswith("Connection 'tc'")
    assert advice in message


@pytest.mark.parametrize(
    "host",
    [
        "https://me:c0ffee@tc.example.com",
        "https://me:c0ffee@tc.example.com/",
        "me:c0ffee@tc.example.com",
        "ftp://me:c0ffee@h",
    ],
)
def test_a_login_in_the_root_url_is_refused_and_not_repeated(host):
    message = refusal(host=host)
    assert "c0ffee" not in message
    assert "holds a login; use the client ID and the access token" in message


@pytest.mark.parametrize(
    "host", ["http://localhost:8080", "https://tc.example.com", "http://127.0.0.1", "http://[::1]:80"]
)
def test_root_urls_that_work(host):
    assert parse(host=host).root_url == host


@pytest.mark.parametrize(
    ("connection", "advice"),
    [
        ({"login": "client"}, "has the client ID 'client' but no access token: set it, or clear both"),
        ({"password": "token"}, "but no client ID: set it, or clear them"),
        ({"certificate": "{}"}, "but no client ID: set it, or clear them"),
        ({"login": "client", "password": "tökén"}, "plain ASCII"),
        ({"login": "client\n", "password": "token"}, "without white space"),
        ({"login": "client", "password": "token "}, "without white space"),
        ({"port": 8443}, r"write the port into the root URL (https://host:8443)"),
        ({"from_env": "perhaps"}, "from_env is 'perhaps': write true or false"),
        ({"connect_timeout": "soon"}, "connect_timeout is 'soon': write a number of seconds above 0"),
        ({"read_timeout": 0}, "read_timeout is 0: write a number of seconds above 0"),
        ({"retry_seconds": "-1"}, "retry_seconds is '-1': write a number of seconds above 0"),
        ({"max_retries": -1}, "max_retries is -1: write a whole number"),
        ({"verify": "/no/such/file"}, "verify is '/no/such/file', and there is no such file"),
        ({"proxies": "http://proxy"}, "proxies is not valid JSON"),
        ({"authorized_scopes": "[a"}, "authorized_scopes is not valid JSON"),
        ({"live_log_hosts": "http://a"}, "live_log_hosts has 'http://a': write a host alone"),
        ({"project_id": 5}, "project_id is not a text"),
        ({"upload_secret": 5}, "upload_secret is not a text"),
    ],
    ids=repr,
)
def test_a_field_that_cannot_work_says_what_to_change(connection, advice):
    message = refusal(**connection)
    assert message.startswith("Connection 'tc'")
    assert advice in message


@pytest.mark.parametrize(
    ("broken", "advice"),
    [
        ("not json", "the certificate is not JSON; copy it as it was issued"),
        ("[" * 200_000, "the certificate is not JSON; copy it as it was issued"),
        ("[]", "not one of Taskcluster's"),
        (5, "not one of Taskcluster's"),
        ([5], "not one of Taskcluster's"),
        ('"text"', "not one of Taskcluster's"),
        ({"scopes": []}, "not one of Taskcluster's"),
        (certificate(expiry="soon"), "has no valid expiry"),
        (certificate(expiry=None), "has no valid expiry"),
        (certificate(expiry=10**30), "has no valid expiry"),
        (certificate(expiry=67768036191676800 * 1000), "has no valid expiry"),
        (json.dumps(certificate(expiry=float("nan"))), "has no valid expiry"),
        (certificate(life_ms=-1000), "expired at 20"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_certificate_that_cannot_work_says_why_and_is_not_shown(broken, advice):
    message = refusal(login="client", password="token", certificate=broken)
    assert advice in message
    assert "c0ffee" not in message


@pytest.mark.parametrize("write", [dict, json.dumps], ids=["object", "text"])
def test_a_certificate_may_be_written_as_json_text_or_as_an_object(write):
    given = certificate()
    found = parse(login="client", password="token", certificate=write(given))
    assert json.loads(found.credentials.certificate) == given


ENVIRONMENT = {
    "TASKCLUSTER_ROOT_URL": "https://tc.example.com",
    "TASKCLUSTER_CLIENT_ID": "env-client",
    "TASKCLUSTER_ACCESS_TOKEN": "env-token",
}


def test_from_env_takes_url_and_credentials_from_the_environment_and_the_rest_from_the_connection():
    found = parse(
        host="https://other.example.com",
        login="other",
        environ=ENVIRONMENT,
        from_env="true",
        project_id="project",
        read_timeout=7,
    )
    assert found.root_url == "https://tc.example.com"
    assert found.credentials.as_options() == {"clientId": "env-client", "accessToken": "env-token"}
    assert (found.project_id, found.network.read_timeout) == ("project", 7)


def from_environment(**environ):
    return settings.from_environment(environ, conn_id="tc")


def test_without_a_connection_the_environment_decides():
    found = from_environment(**ENVIRONMENT)
    assert found.root_url == "https://tc.example.com"
    assert found.credentials.as_options() == {"clientId": "env-client", "accessToken": "env-token"}


def test_a_certificate_of_the_environment_makes_its_credentials_temporary():
    text = json.dumps(certificate())
    assert from_environment(**ENVIRONMENT, TASKCLUSTER_CERTIFICATE=text).credentials.certificate == text


def test_the_proxy_of_the_environment_comes_before_its_root_url():
    found = from_environment(**ENVIRONMENT, TASKCLUSTER_PROXY_URL="http://taskcluster")
    assert found.root_url == "http://taskcluster"


@pytest.mark.parametrize("client_id", [{}, {"TASKCLUSTER_CLIENT_ID": ""}], ids=["missing", "empty"])
def test_no_client_id_in_the_environment_means_no_authentication(client_id):
    environ = {key: value for key, value in ENVIRONMENT.items() if key != "TASKCLUSTER_CLIENT_ID"} | client_id
    assert from_environment(**environ).credentials is None


@pytest.mark.parametrize(
    ("environ", "advice"),
    [
        ({}, "There is no connection 'tc', and TASKCLUSTER_ROOT_URL is not set: add a connection"),
        ({"TASKCLUSTER_ROOT_URL": ""}, "TASKCLUSTER_ROOT_URL is not set"),
        ({"TASKCLUSTER_ROOT_URL": "tc"}, "variable TASKCLUSTER_ROOT_URL: the root URL has no scheme"),
        ({"TASKCLUSTER_PROXY_URL": "tc"}, "variable TASKCLUSTER_PROXY_URL: the root URL has no scheme"),
        (ENVIRONMENT | {"TASKCLUSTER_ACCESS_TOKEN": ""}, "has the client ID 'env-client' but no access token"),
        (ENVIRONMENT | {"TASKCLUSTER_CERTIFICATE": "x"}, "the certificate is not JSON"),
    ],
)
def test_an_environment_that_cannot_work_says_which_variable(environ, advice):
    with pytest.raises(ConfigurationError) as caught:
        from_environment(**environ)
    assert advice in str(caught.value)


@pytest.mark.parametrize("extra", ["{", "[]", '{"a": ' * 200_000], ids=["torn", "a list", "too deep"])
def test_an_extra_that_is_no_json_object_says_so(extra):
    with pytest.raises(ConfigurationError, match=r"^Connection 'tc': the extra is not a JSON object"):
        extra_of(SimpleNamespace(extra=extra), "Connection 'tc'")


def test_the_password_of_a_proxy_is_a_secret_as_written_and_as_meant():
    found = parse(proxies={"https": "http://me:pa%24s@proxy:1", "http": "http://proxy:1"})
    assert found.secrets == ("pa%24s", "pa$s")


def test_the_password_of_a_proxy_of_the_environment_is_one_as_well(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hunter2@proxy:1")
    assert parse().secrets == ("hunter2",)


def test_keys_that_nobody_reads_are_named_once_with_those_that_are_read(caplog):
    parse(projectid="misspelt", token="c0ffee", project_id="project")
    (record,) = caplog.records
    assert record.getMessage().startswith("Connection 'tc': nothing reads projectid, token in the extra; it takes ")
    assert "project_id" in record.getMessage()
    assert "c0ffee" not in record.getMessage()


def test_the_keys_of_the_form_are_all_read(caplog):
    parse(**{field.name: None for field in EXTRA_FIELDS})
    assert not caplog.records

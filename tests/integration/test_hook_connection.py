"""The hook's connection: its sources, invalid values, and secrets that are not shown."""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
import taskcluster

from airflow_provider_taskcluster.emulator.store.faults import Status
from airflow_provider_taskcluster.exceptions import (
    AuthenticationFailed,
    ConfigurationError,
    InsufficientScopes,
    InvalidInput,
)
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.services import client

ENVIRONMENT = ("ROOT_URL", "PROXY_URL", "CLIENT_ID", "ACCESS_TOKEN", "CERTIFICATE")


@pytest.fixture
def environment(monkeypatch):
    for variable in ENVIRONMENT:
        monkeypatch.delenv(f"TASKCLUSTER_{variable}", raising=False)

    def define(**values):
        for variable, value in values.items():
            monkeypatch.setenv(f"TASKCLUSTER_{variable}", value)

    return define


def soon():
    return datetime.now(UTC) + timedelta(hours=1)


def test_test_connection_names_the_client_and_counts_its_scopes(hook, holding, connect, tc):
    assert hook.test_connection() == (True, f"{tc.root_url} answers client '{tc.client_id}' with 1 scope")
    good, message = holding("auth:current-scopes", "object:download:*").test_connection()
    assert good
    assert message.endswith("with 5 scopes")  # its two, and what the anonymous role gives to everybody
    good, message = connect("tc_anonymous", login=None, password=None).test_connection()
    assert good
    assert "the anonymous client" in message


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"password": "wrong"}, "check client ID and access token of client"),
        ({"login": "nobody"}, "401 AuthenticationFailed"),
        ({"host": "http://127.0.0.1:1"}, "got no answer from http://127.0.0.1:1: Connection refused"),
        ({"host": "http://nowhere.invalid"}, "is the root URL right"),
        ({"host": "http://127.0.0.1:80/path"}, "ends after the host; write 'http://127.0.0.1:80'"),
        ({"host": "taskcluster.example.com"}, "has no scheme; write 'https://taskcluster.example.com'"),
        ({"host": None}, "has no root URL"),
        ({"password": None}, "no access token"),
        ({"login": None}, "no client ID"),
        ({"extra": "{not json"}, "extra is not a JSON object"),
    ],
    ids=str,
)
def test_a_bad_connection_ends_in_one_clear_sentence(connect, fields, expected):
    good, message = _raw(connect, fields).test_connection()
    assert not good
    assert expected in message
    assert "\n" not in message


def test_get_conn_is_the_client(hook):
    assert hook.get_conn() is hook.client


def test_a_slash_at_the_end_of_the_root_url_makes_no_difference(connect, tc, name, expires):
    slashed = connect("tc_slashed", host=f"{tc.root_url}/")
    assert slashed.test_connection() == (True, f"{tc.root_url} answers client '{tc.client_id}' with 1 scope")
    slashed.upload_object(b"data", name, expires=expires)
    assert connect().upload_object(b"data", name, expires=expires).already_present
    assert slashed.read_object(name) == b"data"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"host": "taskcluster.example.com"}, "The connection to taskcluster.example.com: the root URL has no scheme"),
        ({"host": "http://127.0.0.1:1"}, "http://127.0.0.1:1"),
        ({"host": None}, "The connection has no root URL"),
        ({"password": None}, "The connection to http://127.0.0.1:"),
        ({"password": "wrong"}, "http://127.0.0.1:"),
        ({"host": "https://me:hunter2@tc.example.com"}, "The connection to tc.example.com: the root URL holds a login"),
        ({"extra": {"verify": "maybe"}}, "The connection to http://127.0.0.1:"),
    ],
    ids=str,
)
def test_a_test_names_the_connection_by_its_host(connect, fields, name):
    good, message = connect("random_id_of_airflow", **fields).test_connection()
    assert not good
    assert name in message
    assert "random_id_of_airflow" not in message
    assert "hunter2" not in message


@pytest.mark.parametrize("password", [None, "wrong"])
def test_a_test_tells_which_keys_nobody_reads(connect, tc, password):
    fields = {"password": password} if password else {}
    good, message = connect("tc_misspelt", extra={"certifcate": "c0ffee"}, **fields).test_connection()
    assert good is not bool(password)
    assert "; nothing reads certifcate in the extra; it takes project_id, certificate" in message
    assert "c0ffee" not in message


def test_a_connection_of_another_type_is_an_error_in_a_test_and_a_warning_elsewhere(connect, caplog, tc):
    other = connect("tc_other", conn_type="http")
    good, message = other.test_connection()
    assert not good
    assert message.startswith(f"The connection to {tc.root_url} is of the type 'http', not 'taskcluster': change its")
    caplog.clear()
    assert other.ping()["alive"]
    assert other.ping("queue")["alive"]
    (said,) = [record for record in caplog.records if "of the type" in record.getMessage()]
    assert said.getMessage().startswith("Connection 'tc_other' is of the type 'http', not 'taskcluster'")
    assert said.levelname == "WARNING"


def test_a_connection_without_a_type_is_taken(connect, caplog):
    assert connect("tc_untyped", conn_type=None).test_connection()[0]
    assert "of the type" not in caplog.text


def _raw(connect, fields):
    """Define a connection with any text as extra."""
    extra = fields.pop("extra", None) if isinstance(fields.get("extra"), str) else None
    made = connect(**fields)
    if extra is not None:
        made.get_connection = lambda _conn_id: _WithExtra(extra)
    return made


class _WithExtra:
    host, login, password, port = "http://127.0.0.1:1", None, None, None

    def __init__(self, extra):
        self.extra = extra


def test_a_store_is_not_mistaken_for_a_deployment(connect, tc):
    good, message = connect(host=tc.store_url).test_connection()
    assert not good
    assert "is not Taskcluster's: is" in message


def test_without_a_connection_the_environment_decides(environment, tc):
    environment(**{name.removeprefix("TASKCLUSTER_"): value for name, value in tc.environment.items()})
    assert TaskclusterHook("not_defined").test_connection()[1].endswith(f"client '{tc.client_id}' with 1 scope")


def test_without_a_client_id_the_environment_is_anonymous(environment, tc):
    environment(ROOT_URL=tc.root_url, ACCESS_TOKEN="ignored without a client id")
    assert TaskclusterHook("not_defined").settings.credentials is None


def test_the_proxy_of_a_task_comes_before_the_root_url(environment, tc):
    environment(ROOT_URL="http://127.0.0.1:1", PROXY_URL=tc.root_url)
    assert TaskclusterHook("not_defined").ping()["alive"]


def test_from_env_takes_root_url_and_credentials_but_keeps_the_extras(environment, connect, tc):
    environment(**{name.removeprefix("TASKCLUSTER_"): value for name, value in tc.environment.items()})
    hook = connect(host="http://127.0.0.1:1", login="other", password="other", extra={"from_env": True})
    assert hook.test_connection()[0]
    assert hook.settings.project_id == "tests"


@pytest.mark.usefixtures("environment")
def test_neither_connection_nor_environment_says_what_to_do():
    with pytest.raises(ConfigurationError, match="no connection 'not_defined', and TASKCLUSTER_ROOT_URL is not set"):
        TaskclusterHook("not_defined").ping()


def test_authorized_scopes_limit_what_the_client_may_do(connect, name, expires):
    limited = connect(extra={"authorized_scopes": "object:download:*"})
    with pytest.raises(InsufficientScopes):
        limited.upload_object(b"", name, expires=expires)


def test_temporary_credentials_hold_only_what_they_were_given(hook, connect, name, expires):
    hook.upload_object(b"data", name, expires=expires)
    issued = hook.temporary_credentials([f"object:download:{name}"], soon())
    narrow = connect(
        "tc_narrow",
        login=issued.client_id,
        password=issued.access_token,
        extra={"certificate": issued.certificate},
    )
    assert narrow.read_object(name) == b"data"
    with pytest.raises(InsufficientScopes):
        narrow.upload_object(b"", f"{name}-2", expires=expires)


def test_temporary_credentials_are_what_taskclusters_own_client_takes(hook, tc, name, expires):
    hook.upload_object(b"data", name, expires=expires)
    issued = hook.temporary_credentials([f"object:download:{name}"], timedelta(hours=1))
    assert issued == {
        "clientId": issued.client_id,
        "accessToken": issued.access_token,
        "certificate": issued.certificate,
    }
    upstream = taskcluster.Object({"rootUrl": tc.root_url, "credentials": issued})
    assert upstream.object(name)["projectId"] == "tests"
    assert taskcluster.Object({"rootUrl": tc.root_url, "credentials": issued}).object(name)
    upstream.session.close()


def test_named_temporary_credentials_act_under_their_name(hook, connect):
    issued = hook.temporary_credentials(["auth:current-scopes"], soon(), name="tests/handed-on")
    assert issued.client_id == "tests/handed-on"
    handed = connect(
        "tc_named", login=issued.client_id, password=issued.access_token, extra={"certificate": issued.certificate}
    )
    assert "client 'tests/handed-on' with" in handed.test_connection()[1]


def test_temporary_credentials_that_cannot_be_are_refused(hook, connect):
    with pytest.raises(InvalidInput, match="31 days"):
        hook.temporary_credentials([], datetime.now(UTC) + timedelta(days=32))
    with pytest.raises(InvalidInput, match="31 days"):
        hook.temporary_credentials([], datetime.now(UTC) - timedelta(days=1))
    with pytest.raises(ConfigurationError, match="anonymous"):
        connect("tc_anonymous", login=None, password=None).temporary_credentials([], soon())
    issued = hook.temporary_credentials(["object:*"], soon())
    fields = {"login": issued.client_id, "password": issued.access_token}
    with pytest.raises(InvalidInput, match="cannot issue others"):
        connect("tc_t", **fields, extra={"certificate": issued.certificate}).temporary_credentials([], soon())
    limited = connect("tc_l", extra={"authorized_scopes": ["object:download:*"]})
    with pytest.raises(InvalidInput, match="do not hold object:upload:x"):
        limited.temporary_credentials(["object:download:a", "object:upload:x"], soon())


@pytest.mark.parametrize(
    ("minutes", "says"), [(20, r"20 min \d s ahead of"), (-90, r"(89 min 5\d|90 min \d) s behind")]
)
def test_a_clock_that_is_off_is_named_with_how_far_it_is_off(hook, tc, monkeypatch, minutes, says):
    class OffClock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz).replace(microsecond=0) + timedelta(minutes=minutes)

    monkeypatch.setattr(client, "datetime", OffClock)
    stale = {"code": "AuthenticationFailed", "message": "Unauthorized: Stale timestamp"}
    tc.api_faults.add(Status(401, {"content-type": "application/json"}, json.dumps(stale).encode()))
    with pytest.raises(AuthenticationFailed, match=f"the clock of this worker is {says} that of the service"):
        hook.object_metadata("a")


def test_secrets_show_nowhere(connect, hook, name, expires, caplog, tc):
    """Not in a repr, not in a log at debug level, not in an exception."""
    caplog.set_level(logging.DEBUG)
    issued = hook.temporary_credentials(["object:*"], soon())
    hook.upload_object(b"x" * 10_000, name, expires=expires)
    hook.read_object(name)
    shown = [repr(hook.settings), repr(issued), repr(hook.client.credentials), caplog.text]
    wrong = connect("tc_wrong", password="a-token-that-is-wrong-0123456789")
    with pytest.raises(AuthenticationFailed) as caught:
        wrong.read_object(name)
    shown.append("".join(traceback.format_exception(caught.value)))
    shown.append(str(pickle.loads(pickle.dumps(caught.value))))
    text = "\n".join(shown)
    for secret in (tc.access_token, issued.access_token, "a-token-that-is-wrong-0123456789", "bewit=", "?signature"):
        assert secret not in text
    assert json.loads(issued.certificate)["signature"] not in text
    assert "GET" in caplog.text  # the log was really at debug level


def test_options_of_the_hook_come_before_those_of_the_connection(connect):
    extra = {"connect_timeout": 3, "read_timeout": "4.5", "max_retries": 2}
    network = connect(extra=extra).settings.network
    assert (network.connect_timeout, network.read_timeout, network.retry.max_retries) == (3, 4.5, 2)
    overrides = {"connect_timeout": 1, "read_timeout": 2, "max_retries": 0}
    network = connect(extra=extra, hook_arguments=overrides).settings.network
    assert (network.connect_timeout, network.read_timeout, network.retry.max_retries) == (1, 2, 0)


@pytest.mark.parametrize(
    ("option", "value"), [("connect_timeout", "1.5"), ("read_timeout", "2"), ("max_retries", "3.0")]
)
def test_options_of_the_hook_may_be_text(connect, option, value):
    network = connect(hook_arguments={option: value}).settings.network
    assert getattr(network if "timeout" in option else network.retry, option) == float(value)


@pytest.mark.parametrize("option", ["connect_timeout", "read_timeout", "max_retries"])
@pytest.mark.parametrize("value", [-1, "x", [], float("nan")], ids=repr)
def test_options_of_the_hook_that_cannot_be_are_a_sentence(connect, option, value):
    good, message = connect(hook_arguments={option: value}).test_connection()
    assert not good
    assert f"The hook's {option} is {value!r}: write a" in message


def test_a_connection_may_be_a_uri_with_the_root_url_percent_encoded(tc, monkeypatch):
    """As the docs show it."""
    host, login, password = (quote(text, safe="") for text in (tc.root_url, tc.client_id, tc.access_token))
    monkeypatch.setenv("AIRFLOW_CONN_TC_URI", f"taskcluster://{login}:{password}@{host}/?project_id=p&read_timeout=7.5")
    hook = TaskclusterHook("tc_uri")
    assert hook.test_connection() == (True, f"{tc.root_url} answers client '{tc.client_id}' with 1 scope")
    assert (hook.settings.project_id, hook.settings.network.read_timeout) == ("p", 7.5)
    hook.close()


@pytest.mark.parametrize("service", ["object", "queue", "purge-cache", "auth"])
def test_each_service_can_be_pinged(hook, service):
    assert hook.ping(service)["alive"]


def test_a_ping_of_nothing_names_what_there_is(hook, tc):
    with pytest.raises(InvalidInput, match="no service 'nope' to ping: name object, queue, purge-cache, auth"):
        hook.ping("nope")
    assert not list(tc.journal)

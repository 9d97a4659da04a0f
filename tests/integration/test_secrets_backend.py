"""The secrets backend against the emulator: values, names, caches, and a service that is away."""

from __future__ import annotations

import asyncio
import faulthandler
import functools
import json
import logging
import os
import secrets
import signal
import socket
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from airflow.providers.common.compat.sdk import redact

from airflow_provider_taskcluster.common.timestamps import iso_timestamp
from airflow_provider_taskcluster.exceptions import ConfigurationError, ConnectionFailed, InsufficientScopes
from airflow_provider_taskcluster.secrets import cached_secrets
from airflow_provider_taskcluster.secrets.cached_secrets import CachedSecrets
from airflow_provider_taskcluster.secrets.taskcluster import TaskclusterSecretsBackend

HIDDEN = "correct-horse-battery"


@pytest.fixture
def environment(tc, monkeypatch):
    for name, value in tc.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def fresh_cache(monkeypatch):
    """No test sees what others read; and their connections are closed."""
    made = []

    @functools.cache
    def shared(settings, limits):
        made.append(CachedSecrets(settings, limits))
        return made[-1]

    monkeypatch.setattr(cached_secrets, "shared_secrets", shared)
    yield
    for each in made:
        each.close()


@pytest.fixture
def backend(environment):
    prefix = f"tests/{secrets.token_hex(4)}"

    def make(**options):
        prefixes = {f"{kind}_prefix": f"{prefix}/{kind}" for kind in ("connections", "variables", "config")}
        made = TaskclusterSecretsBackend(**{**prefixes, **options})
        made.prefix = prefix
        return made

    return make


@pytest.fixture
def store(hook):
    def put(name, value, expires=None):
        expires = expires or datetime.now(UTC) + timedelta(days=1)
        hook.call("secrets", "set", name, payload={"secret": value, "expires": iso_timestamp(expires)})

    return put


@pytest.fixture
def now(monkeypatch):
    """Set the clock of the cache forward: ``now.append(seconds)``."""
    passed = []
    monkeypatch.setattr(cached_secrets, "clock", lambda: time.monotonic() + sum(passed))
    return passed


def reads(tc):
    return [entry for entry in tc.journal.entries() if entry.method == "GET" and "/secrets/v1/secret/" in entry.path]


FIELDS = {"conn_type": "http", "host": "h", "login": "l", "password": HIDDEN, "port": 80, "extra": {"a": {"b": 1}}}


@pytest.mark.parametrize(
    "secret",
    [FIELDS, {"value": FIELDS}, {"uri": f"http://l:{HIDDEN}@h:80/?__extra__=%7B%22a%22%3A+%7B%22b%22%3A+1%7D%7D"}],
)
def test_a_connection_is_read_as_airflow_users_write_it(backend, store, secret):
    made = backend()
    store(f"{made.prefix}/connections/db", secret)
    found = made.get_connection("db")
    assert (found.conn_id, found.conn_type, found.host, found.login) == ("db", "http", "h", "l")
    assert (found.password, found.port, found.extra_dejson) == (HIDDEN, 80, {"a": {"b": 1}})


def test_a_variable_is_a_text_or_json(backend, store):
    made = backend()
    store(f"{made.prefix}/variables/text", {"value": "a text"})
    store(f"{made.prefix}/variables/object", {"a": [1, 2]})
    assert made.get_variable("text") == "a text"
    assert json.loads(made.get_variable("object")) == {"a": [1, 2]}
    assert made.get_variable("none") is None


def test_an_option_is_read_by_its_key(backend, store):
    made = backend()
    store(f"{made.prefix}/config/sql", {"value": "sqlite:////tmp/a.db"})
    assert made.get_config("sql") == "sqlite:////tmp/a.db"
    assert made.get_config("none") is None


def test_one_call_reads_a_name_however_often_and_wherever_it_is_asked(tc, backend, store):
    made = backend()
    store(f"{made.prefix}/variables/a", {"value": "x"})
    store(f"{made.prefix}/connections/a", FIELDS)
    tc.journal.clear()
    threads = [threading.Thread(target=made.get_variable, args=["a"]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert backend().get_variable("a") == "x"  # another backend of the process
    assert len(reads(tc)) == 1

    async def together():
        return await asyncio.gather(*(made.aget_connection("a") for _ in range(8)))

    assert {found.password for found in asyncio.run(together())} == {HIDDEN}
    assert len(reads(tc)) == 2


def test_no_call_asks_for_what_is_turned_off_or_excluded(tc, backend):
    made = backend(
        variables_prefix=None,
        connections_lookup_pattern="my_",
        exclude=".*_default$",
    )
    for conn_id in ("other", "my_default", "MY_DEFAULT", "", "caf\u00e9", "my_a\nb"):
        assert made.get_conn_value(conn_id) is None
    assert made.get_variable("a") is None
    assert made.get_config("smtp_default") is None
    assert reads(tc) == []
    assert made.get_conn_value("my_own") is None
    assert len(reads(tc)) == 1


def test_a_secret_is_read_again_when_its_time_in_the_cache_is_over(tc, backend, store, now):
    made = backend(cache_seconds=100)
    name = f"{made.prefix}/variables/a"
    store(name, {"value": "old"})
    assert made.get_variable("a") == "old"
    store(name, {"value": "new"})
    now.append(99)
    assert made.get_variable("a") == "old"
    now.append(2)
    assert made.get_variable("a") == "new"


def test_a_secret_is_not_kept_beyond_its_expiry(tc, backend, store, now):
    made = backend(cache_seconds=1000)
    store(f"{made.prefix}/variables/a", {"value": "x"}, datetime.now(UTC) + timedelta(seconds=50))
    assert made.get_variable("a") == "x"
    now.append(40)
    assert made.get_variable("a") == "x"
    assert len(reads(tc)) == 1
    now.append(11)
    with tc.clock.advanced(seconds=51):
        assert made.get_variable("a") is None
    assert len(reads(tc)) == 2


def test_the_cache_has_a_largest_size(tc, backend, store, monkeypatch):
    monkeypatch.setattr(cached_secrets, "MOST", 2)
    made = backend()
    for key in ("a", "b", "c", "a"):
        assert made.get_variable(key) is None
    assert len(reads(tc)) == 4


def test_a_missing_secret_is_asked_for_again_after_a_short_time(tc, backend, store, now):
    made = backend()
    for _ in range(3):
        assert made.get_variable("a") is None
    assert len(reads(tc)) == 1
    store(f"{made.prefix}/variables/a", {"value": "x"})
    now.append(31)
    assert made.get_variable("a") == "x"


def test_a_refused_secret_is_logged_once_with_its_scope_and_is_not_there(tc, backend, holding, caplog):
    limited = holding("secrets:get:tests/else").settings.credentials
    made = backend(root_url=tc.root_url, client_id=limited.client_id, access_token=limited.access_token)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert made.get_conn_value("db") is None
    [told] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert f"secrets:get:{made.prefix}/connections/db" in told
    assert "whether the secret exists or not" in told
    assert len(reads(tc)) == 1
    with pytest.raises(InsufficientScopes):
        made.get_config("sql")


def test_what_cannot_be_a_connection_is_logged_without_its_values(backend, store, caplog):
    made = backend()
    store(f"{made.prefix}/connections/db", {"host": "h", "passwrd": HIDDEN})
    assert made.get_connection("db") is None
    assert "'passwrd'" in caplog.text
    assert HIDDEN not in caplog.text


def test_a_service_that_hangs_delays_by_its_timeout_once(backend, caplog):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        made = backend(root_url=f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.5)
        began = time.monotonic()
        threads = [threading.Thread(target=made.get_conn_value, args=[f"db{number}"]) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert made.get_variable("a") is None
        with pytest.raises(ConnectionFailed):
            made.get_config("sql")  # not the default of the option
        assert 0.5 <= time.monotonic() - began < 1.5
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1


def test_a_service_that_is_back_is_asked_after_the_pause(tc, backend, store, now, monkeypatch):
    made = backend()
    store(f"{made.prefix}/variables/a", {"value": "x"})
    with socket.create_server(("127.0.0.1", 0)) as refusing:
        closed = f"http://127.0.0.1:{refusing.getsockname()[1]}"
    monkeypatch.setenv("TASKCLUSTER_ROOT_URL", closed)
    assert made.get_variable("a") is None
    made._secrets()._client.root_url = tc.root_url  # the same service, back
    made._secrets()._client._builders.clear()
    assert made.get_variable("a") is None
    now.append(31)
    assert made.get_variable("a") == "x"


def test_wrong_credentials_are_logged_and_not_tried_for_each_name(tc, backend, caplog):
    made = backend(root_url=tc.root_url, client_id="tests/nobody", access_token=HIDDEN)
    for number in range(5):
        assert made.get_conn_value(f"db{number}") is None
    assert len(reads(tc)) == 1
    assert "tests/nobody" in caplog.text
    assert HIDDEN not in caplog.text


def test_without_a_root_url_nothing_is_found_and_the_log_says_what_to_set(monkeypatch, backend, caplog):
    made = backend()
    monkeypatch.delenv("TASKCLUSTER_ROOT_URL")
    assert made.get_conn_value("db") is None
    assert "TASKCLUSTER_ROOT_URL" in caplog.text
    with pytest.raises(ConfigurationError):
        made.get_config("sql")


def test_the_loop_goes_on_while_a_service_hangs(backend):
    async def beats():
        loop = asyncio.get_running_loop()
        looking = loop.create_task(made.aget_connection("db"))
        longest, last = 0.0, loop.time()
        while not looking.done():
            await asyncio.sleep(0.01)
            longest, last = max(longest, loop.time() - last), loop.time()
        return longest, await looking

    with socket.create_server(("127.0.0.1", 0)) as silent:
        made = backend(root_url=f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.7)
        longest, found = asyncio.run(beats())
    assert found is None
    assert longest < 0.5


@pytest.mark.parametrize("options", [{"connections_prefix": "/"}, {"exclude": "("}, {"variables_lookup_pattern": "*"}])
def test_invalid_options_are_refused_at_once(backend, options):
    with pytest.raises(ValueError, match=r"prefix|regular expression"):
        backend(**options)


def test_nothing_secret_is_logged_and_texts_of_variables_are_masked(backend, store, caplog):
    made = backend()
    store(f"{made.prefix}/connections/db", FIELDS)
    store(f"{made.prefix}/variables/a", {"value": HIDDEN, "inner": ["another-secret"]})
    with caplog.at_level(logging.DEBUG):
        assert made.get_connection("db").password == json.loads(made.get_variable("a"))["value"] == HIDDEN
    assert HIDDEN not in caplog.text
    assert redact(f"say {HIDDEN} and another-secret") == "say *** and ***"


def test_an_interrupted_look_up_leaves_no_thread_behind(backend, store, monkeypatch):
    made = backend()
    store(f"{made.prefix}/variables/a", {"value": "x"})

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    with socket.create_server(("127.0.0.1", 0)) as silent, monkeypatch.context() as elsewhere:
        elsewhere.setenv("TASKCLUSTER_ROOT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            backend().get_variable("a")
        signal.signal(signal.SIGALRM, before)
        ended = time.monotonic() + 1
        while "taskcluster-secrets" in {thread.name for thread in threading.enumerate()}:
            assert time.monotonic() < ended
    assert made.get_variable("a") == "x"


def test_a_forked_child_reads_although_a_thread_of_the_parent_was_reading(backend, store):
    made = backend()
    store(f"{made.prefix}/variables/a", {"value": "x"})
    with cached_secrets._lock:
        child = os.fork()
        if not child:  # no assertion here: it must not go on with the tests
            faulthandler.dump_traceback_later(15, file=sys.__stderr__)
            thread = threading.Thread(target=lambda: os._exit(0 if made.get_variable("a") == "x" else 1))
            thread.start()
            thread.join(20)
            os._exit(2)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0

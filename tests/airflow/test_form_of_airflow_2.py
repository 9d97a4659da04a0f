"""The connection form of Airflow 2: filled in, saved and opened again in its own web server."""

from __future__ import annotations

import json
import tempfile
from html.parser import HTMLParser

import pytest

from airflow_provider_taskcluster.connection.fields import EXTRA_FIELDS, LABELS, PLACEHOLDERS

SECRETS = {
    "upload_secret": "a-stable-secret",
    "certificate": '{"seed": "not-shown"}',
    "proxies": '{"http": "http://u:pass@p:1"}',
}
PREFIX = "extra__taskcluster__"

pytestmark = pytest.mark.usefixtures("database")


class Form(HTMLParser):
    """The values that a browser would send."""

    def __init__(self, html):
        super().__init__()
        self.values = {}
        self._text = None
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        said = dict(attributes)
        checkbox = said.get("type") == "checkbox"
        if tag == "input" and "name" in said and (not checkbox or "checked" in said):
            self.values[said["name"]] = said.get("value", "")
        self._text = said.get("name") if tag == "textarea" else self._text

    def handle_data(self, data):
        if self._text:
            self.values[self._text] = data.strip()

    def handle_endtag(self, tag):
        if tag == "textarea":
            self._text = None


@pytest.fixture(scope="module")
def web(database, tmp_path_factory):
    from airflow.www.app import create_app

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("web")))  # it keeps its cache there
        app = create_app(testing=True)
        app.config.update(WTF_CSRF_ENABLED=False, AUTH_ROLE_PUBLIC="Admin")
        yield app.test_client()


@pytest.fixture
def saved(web):
    """Fill in the form for a new connection, and save it; returns its id in the database."""
    from airflow.providers.common.compat.sdk import Connection
    from airflow.utils.session import create_session

    def save(**fields):
        extras = {PREFIX + name: value for name, value in fields.pop("extra", {}).items()}
        form = {"conn_id": "from_form", "conn_type": "taskcluster", "extra": "", **fields, **extras}
        assert web.post("/connection/add", data=form).status_code == 302
        with create_session() as session:
            return session.query(Connection.id).filter(Connection.conn_id == "from_form").scalar()

    yield save
    with create_session() as session:
        session.query(Connection).filter(Connection.conn_id == "from_form").delete()


def stored():
    from airflow.hooks.base import BaseHook

    return BaseHook.get_connection("from_form")


def test_every_field_is_in_the_form_with_its_label_and_help(web):
    page = web.get("/connection/add").get_data(as_text=True)
    for field in EXTRA_FIELDS:
        assert f'id="{PREFIX}{field.name}"' in page
        assert field.label in page
    behaviour = page.replace("&#34;", '"').replace("&#39;", "'")
    assert all(text in behaviour for text in (*LABELS.values(), *PLACEHOLDERS.values()))


def test_what_is_filled_in_is_saved_numbers_as_numbers_and_empty_fields_mean_unset(tc, saved):
    extra = {"project_id": "my-team", "max_retries": "3", "read_timeout": "7.5"}
    saved(host=tc.root_url, login=tc.client_id, password=tc.access_token, extra=extra)
    kept = stored().extra_dejson
    assert (kept["project_id"], kept["max_retries"]) == ("my-team", 3)
    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

    hook = TaskclusterHook("from_form")
    assert hook.settings.network.read_timeout == 7.5
    assert hook.settings.network.retry.max_retries == 3
    assert hook.settings.network.proxies is None
    done, said = hook.test_connection()
    assert done, said


def test_a_number_that_cannot_be_is_refused_by_the_form(web, saved):
    form = {"conn_id": "from_form", "conn_type": "taskcluster", "extra": "", PREFIX + "max_retries": "-1"}
    assert "Number must be at least 0" in web.post("/connection/add", data=form).get_data(as_text=True)


def test_secrets_stay_hidden_and_kept_when_a_connection_is_opened_and_saved_again(web, saved):
    key = saved(host="https://tc.example.com", login="me", password="token-0123", extra=SECRETS)
    page = web.get(f"/connection/edit/{key}").get_data(as_text=True)
    for secret in (*SECRETS.values(), "token-0123"):
        assert secret not in page.replace("&#34;", '"')
    form = {**Form(page).values, "conn_type": "taskcluster", "host": "https://other.example.com"}
    assert web.post(f"/connection/edit/{key}", data=form).status_code == 302
    after = stored()
    assert (after.host, after.password) == ("https://other.example.com", "token-0123")
    assert {name: after.extra_dejson[name] for name in SECRETS} == SECRETS
    form |= {PREFIX + "upload_secret": "another", PREFIX + "proxies": ""}
    assert web.post(f"/connection/edit/{key}", data=form).status_code == 302
    after = stored()
    assert after.extra_dejson["upload_secret"] == "another"
    assert after.extra_dejson.get("proxies") is None


def test_the_test_button_sends_the_form_and_gets_a_sentence(tc, web, monkeypatch):
    """As ``connection_form.js`` writes a checked box and the fields, twice each."""
    monkeypatch.setenv("AIRFLOW__CORE__TEST_CONNECTION", "Enabled")
    monkeypatch.setenv("TASKCLUSTER_ROOT_URL", tc.root_url)
    extra = {f"{prefix}from_env": "y" for prefix in (PREFIX, "")}
    form = {"connection_id": "from_form", "conn_type": "taskcluster", "extra": json.dumps(extra)}
    answer = web.post("/api/v1/connections/test", json=form)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.json["status"], answer.json
    assert answer.json["message"].startswith(f"{tc.root_url} answers the anonymous client")

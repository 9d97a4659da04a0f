"""The provider in Airflow's web UI, through a browser, with screenshots in ``test-output/``."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
import taskcluster
from browser import browser

from airflow_provider_taskcluster.connection.fields import EXTRA_FIELDS, LABELS, PLACEHOLDERS
from airflow_provider_taskcluster.emulator.testing import taskcluster_emulator
from airflow_provider_taskcluster.services import credentials

__all__ = ["taskcluster_emulator"]

pytestmark = pytest.mark.slow

TASK_ID = "fN1SbArXTPSVFNUvaOlinQ"
DIALOG = "//*[@role='dialog']"
SAVE = f"{DIALOG}//button[normalize-space()='Save']"
STANDARD, EXTRA, EXTRA_JSON = (
    f"{DIALOG}//button[normalize-space()='{section}']"
    for section in ("Standard Fields", "Extra Fields", "Extra Fields JSON")
)


@pytest.fixture(scope="module")
def chrome(ui):
    with browser(ui) as running:
        yield running


@pytest.fixture
def form(chrome):
    """The form for a new connection of our type."""
    chrome.open("/connections")
    chrome.click("//button[contains(., 'Add Connection')]")
    chrome.find(f"{DIALOG}//*[@role='combobox']").send_keys("Taskcluster")
    chrome.click("//*[@role='option' and normalize-space()='Taskcluster']")
    chrome.field("host")
    return chrome


def row(conn_id):
    return f"//tr[.//*[normalize-space()='{conn_id}']]"


def pressed_test(ui, chrome, conn_id):
    """Press the button that tests a connection; what the UI says.

    Airflow 3.3.1 and 3.3.2 refuse to test any connection without a port (apache/airflow#73298): a 0 gets past that.
    """
    chrome.gone(DIALOG)
    port = {"connection_id": conn_id, "conn_type": "taskcluster", "port": 0}
    ui.call(f"/api/v2/connections/{conn_id}?update_mask=port", method="PATCH", **port)
    chrome.open("/connections")
    chrome.click(f"{row(conn_id)}//button[@aria-label='Test Connection']")
    return chrome.text("//*[@data-scope='toast' and @data-part='root']")


def temporary(tc):
    """Temporary credentials of the emulator's client."""
    owner = credentials.Credentials(tc.client_id, tc.access_token)
    return credentials.narrowed(owner, ["*"], datetime.now(UTC) + timedelta(hours=1))


def test_the_form_speaks_the_words_of_taskcluster(form):
    words = form.text(DIALOG)
    assert all(label in words for label in LABELS.values())
    for name, placeholder in PLACEHOLDERS.items():
        assert form.field(name).get_attribute("placeholder") == placeholder
    form.picture("form-standard-fields", DIALOG)
    form.click(EXTRA)
    form.field("element_max_retries")
    words = form.text(DIALOG)
    for field in EXTRA_FIELDS:
        assert field.label in words
        assert field.help in words
    masked = {field.name for field in EXTRA_FIELDS if field.kind == "password"}
    kinds = {name: form.field(f"element_{name}").get_attribute("type") for name in masked}
    assert set(kinds.values()) == {"password"}


def test_a_connection_is_filled_in_saved_tested_and_opened_again(ui, taskcluster_emulator, form):
    mine = temporary(taskcluster_emulator)
    secrets = {"certificate": mine.certificate, "upload_secret": "a-stable-secret", "proxies": "{}"}
    form.fill(connection_id="with_all", host=taskcluster_emulator.root_url)
    form.fill(login=mine.client_id, password=mine.access_token)
    form.click(EXTRA)
    numbers = {"connect_timeout": "2.5", "read_timeout": "7.5", "max_retries": "3"}
    texts = {"project_id": "my-team", "authorized_scopes": "*", "verify": "true"}
    extra = {**texts, **numbers, **secrets}
    form.fill(**{f"element_{name}": value for name, value in extra.items()})
    form.picture("form-extra-fields", DIALOG)
    form.click(SAVE)
    assert "with 1 scope" in pressed_test(ui, form, "with_all")
    form.picture("connection-tested")
    assert_reopened(form, mine)
    form.fill(element_project_id="other-team")
    form.click(SAVE)
    assert "with 1 scope" in pressed_test(ui, form, "with_all"), (
        "the secrets were lost when the connection was saved again"
    )
    stored = json.loads(ui.call("/api/v2/connections/with_all")["extra"])
    assert stored == {
        **dict.fromkeys((field.name for field in EXTRA_FIELDS), None),
        **dict.fromkeys(secrets, "***"),
        **texts,
        **{name: float(value) for name, value in numbers.items()},
        "project_id": "other-team",
    }


def assert_reopened(form, mine):
    form.open("/connections")
    form.click(f"{row('with_all')}//button[@aria-label='Edit Connection']")
    assert (form.value("login"), form.value("password")) == (mine.client_id, "***")
    form.click(EXTRA)
    assert (form.value("element_project_id"), form.value("element_max_retries")) == ("my-team", "3")
    for name in ("certificate", "upload_secret", "proxies"):
        assert form.value(f"element_{name}") == "***"
        assert form.field(f"element_{name}").get_attribute("type") == "password"
    form.picture("form-opened-again", DIALOG)
    form.click(EXTRA_JSON)
    shown = form.text(f"{DIALOG}//*[contains(@class, 'monaco-editor')]")
    assert "signature" not in shown
    assert "a-stable-secret" not in shown
    form.click(EXTRA)


def test_wrong_credentials_are_called_so(ui, form):
    form.fill(connection_id="wrong_token", host=ui.taskcluster, login="emulator/root", password="wrong")
    form.click(SAVE)
    said = pressed_test(ui, form, "wrong_token")
    assert "check client ID and access token of client 'emulator/root'" in said
    form.picture("connection-refused")


def links_shown(chrome, run, task_id, count):
    """Addresses of the links that the page of a task shows, by their names."""
    chrome.open(f"/dags/{run['dag_id']}/runs/{run['dag_run_id']}/tasks/{task_id}/details")
    link = "//a[starts-with(normalize-space(), 'Taskcluster ')]"
    chrome.find(f"({link})[{count}]")
    return {found.text: found.get_attribute("href") for found in chrome.all(link)}


def test_a_task_has_its_link_into_taskcluster(ui, chrome):
    run = ui.run("object_round_trip")
    name = quote(f"airflow-demo/{run['dag_run_id']}/note.txt", safe="")
    shown = links_shown(chrome, run, "upload_note", 1)
    assert shown == {"Taskcluster object": f"{ui.taskcluster}/api/object/v1/download/{name}"}
    chrome.picture("task-with-link")


def test_waits_have_links_to_tasks_groups_and_artifacts_also_when_they_fail(ui, chrome):
    page = f"{ui.taskcluster}/tasks"
    run = ui.run("wait_for_tasks", taskcluster_task_id=TASK_ID, task_group_id=TASK_ID, index_path="?")
    assert run["state"] == "failed", "there is no such task"
    assert links_shown(chrome, run, "wait_for_task", 1) == {"Taskcluster task": f"{page}/{TASK_ID}"}
    assert links_shown(chrome, run, "wait_for_group", 1) == {"Taskcluster task group": f"{page}/groups/{TASK_ID}"}
    chrome.picture("task-with-link-to-group")
    run = ui.run("wait_for_artifact", taskcluster_task_id=TASK_ID, artifact="public/a b.txt")
    assert links_shown(chrome, run, "wait", 2) == {
        "Taskcluster task": f"{page}/{TASK_ID}",
        "Taskcluster artifact": f"{ui.taskcluster}/api/queue/v1/task/{TASK_ID}/artifacts/public%2Fa%20b.txt",
    }
    chrome.picture("task-with-links-to-artifact")


def test_a_numbered_run_and_its_artifact_have_links(ui, chrome, tmp_path):
    (tmp_path / "file").write_text("text")
    run = ui.run("publish", taskcluster_task_id=TASK_ID, taskcluster_run_id=3, folder=str(tmp_path))
    page = f"{ui.taskcluster}/tasks/{TASK_ID}/runs/3"
    assert links_shown(chrome, run, "report", 2) == {
        "Taskcluster task": page,
        "Taskcluster artifact": f"{page}/public%2Fairflow.txt",
    }


def test_purge_requests_have_a_link(ui, chrome):
    run = ui.run("purge_caches")
    assert links_shown(chrome, run, "purge", 1) == {"Taskcluster purge requests": f"{ui.taskcluster}/purge-caches"}


def test_a_wait_for_the_index_has_its_link_while_it_waits(ui, chrome):
    run = ui.start(
        "wait_for_tasks", taskcluster_task_id=TASK_ID, task_group_id=TASK_ID, index_path="demo.builds.latest"
    )
    ui.deferred(run, "newest")
    assert links_shown(chrome, run, "newest", 1) == {
        "Taskcluster index": f"{ui.taskcluster}/tasks/index/demo.builds/latest"
    }
    chrome.picture("waiting-task-with-link")


def test_a_task_that_was_run_has_its_link(ui, chrome):
    run = ui.run("run_task")
    assert run["state"] == "success"
    task_id = ui.xcom(run, "count", "taskcluster_run")["task_id"]
    assert links_shown(chrome, run, "count", 1) == {"Taskcluster task": f"{ui.taskcluster}/tasks/{task_id}"}


def test_a_group_that_was_run_has_its_link(ui, chrome):
    run = ui.run("run_task_group")
    assert run["state"] == "success"
    group = ui.xcom(run, "graph", "taskcluster_group")["task_group_id"]
    assert links_shown(chrome, run, "graph", 1) == {"Taskcluster task group": f"{ui.taskcluster}/tasks/groups/{group}"}
    chrome.picture("group-with-link")


def make_hook(options, name):
    """Make a hook whose task says which branch it was triggered for."""
    command = """echo '{"branch": "'"$BRANCH"'"}' > result.json"""
    described = {"name": "n", "owner": "nobody@example.com", "description": "d"}
    task = {
        "taskQueueId": "emulator/linux",
        "payload": {
            "command": [["sh", "-c", command]],
            "env": {"BRANCH": "${payload.branch}"},
            "artifacts": [{"type": "file", "path": "result.json", "name": "public/result.json"}],
            "maxRunTime": 60,
        },
        "metadata": {**described, "source": "https://example.com"},
    }
    scopes = ["queue:create-task:*", "queue:scheduler-id:-"]
    taskcluster.Auth(options).createRole(f"hook-id:{'/'.join(name)}", {"description": "makes it", "scopes": scopes})
    definition = {"metadata": described, "task": task, "triggerSchema": {"type": "object"}}
    taskcluster.Hooks(options).createHook(*name, definition)


def test_a_hook_and_its_task_have_links_also_when_there_is_none(ui, chrome):
    make_hook(ui.clients, ("my-team", "builds/nightly"))
    run = ui.run("trigger_hook", hook_group_id="my-team", hook_id="builds/nightly")
    assert run["state"] == "success"
    task_id = ui.xcom(run, "build", "taskcluster_run")["task_id"]
    assert links_shown(chrome, run, "build", 2) == {
        "Taskcluster task": f"{ui.taskcluster}/tasks/{task_id}",
        "Taskcluster hook": f"{ui.taskcluster}/hooks/my-team/builds%2Fnightly",
    }
    chrome.picture("task-with-link-to-hook")
    run = ui.run("trigger_hook", hook_group_id="my-team", hook_id="missing")
    assert run["state"] == "failed"
    assert links_shown(chrome, run, "build", 1)["Taskcluster hook"] == f"{ui.taskcluster}/hooks/my-team/missing"

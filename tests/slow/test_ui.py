"""``make ui``: the web UI, its connection form, and a DAG run under a real scheduler."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from airflow_provider_taskcluster.connection.fields import EXTRA_FIELDS, LABELS, PLACEHOLDERS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ui():
    """A running ``make ui``: its address, and what it printed."""
    from pathlib import Path

    command = [sys.executable, "-u", Path(__file__).parents[2] / "scripts" / "ui.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as running:
        try:
            yield WebUI(running)
        finally:
            running.send_signal(signal.SIGINT)
            rest, _ = running.communicate(timeout=60)
        assert rest.endswith("Stopped, and cleaned up.\n")
        assert running.returncode == 0


class WebUI:
    """Calls Airflow's API as the web UI does."""

    def __init__(self, running):
        self.printed = ""
        while "Ctrl-C" not in self.printed:
            line = running.stdout.readline()
            assert line, self.printed
            self.printed += line
        self.address, password = re.search(r"(http://\S+)\s+login admin, password (\S+)", self.printed).groups()
        self.token = None
        self.token = self.call("/auth/token", username="admin", password=password)["access_token"]

    def call(self, path, method=None, **body):
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(self.address + path, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


def test_the_form_shows_every_field_with_label_placeholder_and_mask(ui):
    metas = {meta["connection_type"]: meta for meta in ui.call("/ui/connections/hook_meta")}
    form = metas["taskcluster"]
    assert form["hook_name"] == "Taskcluster"
    standard = form["standard_fields"]
    assert {name: standard[name]["title"] for name in LABELS} == LABELS
    assert {name: standard[name]["placeholder"] for name in PLACEHOLDERS} == PLACEHOLDERS
    assert standard["port"]["hidden"]
    assert standard["url_schema"]["hidden"]
    extra = form["extra_fields"]
    assert set(extra) == {field.name for field in EXTRA_FIELDS}
    for field in EXTRA_FIELDS:
        assert extra[field.name]["schema"]["title"] == field.label
        assert extra[field.name]["description"] == field.help
        assert (extra[field.name]["schema"].get("format") == "password") == (field.kind == "password")


def test_what_the_form_holds_is_what_is_tested(ui):
    root_url = re.search(r"Taskcluster  (\S+)", ui.printed)[1]
    form = {"connection_id": "from_form", "conn_type": "taskcluster", "host": root_url}
    nulls = json.dumps({field.name: None for field in EXTRA_FIELDS})
    tested = ui.call("/api/v2/connections/test", **form, extra=nulls)
    assert tested["status"]
    assert tested["message"].startswith(f"{root_url} answers the anonymous client")
    tested = ui.call("/api/v2/connections/test", **form, login="emulator/root", password="wrong")
    assert not tested["status"]
    assert "check client ID and access token of client 'emulator/root'" in tested["message"]


def test_secrets_of_a_connection_are_masked(ui):
    secret = {"upload_secret": "a very stable secret"}
    made = ui.call(
        "/api/v2/connections",
        connection_id="masked",
        conn_type="taskcluster",
        host="http://127.0.0.1:1",
        login="x",
        password="hidden-token",
        extra=json.dumps(secret),
    )
    assert "hidden-token" not in json.dumps(made)
    assert secret["upload_secret"] not in json.dumps(made)


def test_a_manual_run_under_the_scheduler_succeeds(ui):
    """logical_date is None in such a run; the expiry is counted from the start of the run."""
    run = trigger(ui)
    assert run["logical_date"] is None
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        state = ui.call(f"/api/v2/dags/object_round_trip/dagRuns/{run['dag_run_id']}")["state"]
        if state not in {"queued", "running"}:
            break
        time.sleep(1)
    assert state == "success"


def trigger(ui):
    """Trigger as soon as the DAG processor has found the DAG."""
    for _ in range(60):
        try:
            return ui.call("/api/v2/dags/object_round_trip/dagRuns", logical_date=None)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            time.sleep(1)
    raise AssertionError("the DAG was never found")

"""``make ui``: the web UI, its connection form, and a DAG run under a real scheduler."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from airflow_provider_taskcluster.connection.fields import EXTRA_FIELDS, LABELS, PLACEHOLDERS

pytestmark = pytest.mark.slow


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
    root_url = ui.taskcluster
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
    run = ui.run("object_round_trip")
    assert run["logical_date"] is None
    assert run["state"] == "success"


def test_a_worker_can_be_played_by_what_was_printed(ui):
    commands = re.search(r"^export .*(?:\n.+)+", ui.printed, re.MULTILINE)[0]
    played = subprocess.run(["bash", "-euc", commands], capture_output=True, text=True, timeout=120, check=True)
    task_id = json.loads(played.stdout)["taskId"]
    assert ui.run("wait_for_artifact", taskcluster_task_id=task_id)["state"] == "success"

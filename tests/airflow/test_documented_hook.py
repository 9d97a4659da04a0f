"""The code of docs/examples/hook_calls.py, run."""

from __future__ import annotations

import importlib.util
import io
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

FILE = Path(__file__).parents[2] / "docs/examples/hook_calls.py"


@pytest.fixture
def shown():
    spec = importlib.util.spec_from_file_location(FILE.stem, FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_log_of_a_task_is_shown_and_its_end_returned(shown, tc, worker, caplog):
    caplog.set_level("INFO", logger="airflow.task")
    run = worker.run_task({"public/logs/live_backing.log": b"one\ntwo\n"})
    shown.show_log(run.task_id)
    assert [record.getMessage() for record in caplog.records if record.name == "airflow.task"] == ["one", "two"]
    assert shown.last_lines(run.task_id) == "one\ntwo"


def test_a_member_of_an_archive_is_read(shown, tc, worker):
    run = worker.claim(worker.create_task())
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("VERSION", "1.2")
    run.add("public/build/target.zip", archive.getvalue())
    assert shown.read_member(TaskclusterHook(), run.task_id) == b"1.2"


def test_a_secret_is_read(shown, tc):
    stored = {"secret": {"password": "shown-in-docs"}, "expires": "2090-01-01T00:00:00.000Z"}
    TaskclusterHook().call("secrets", "set", "project/my-team/database", payload=stored)
    assert shown.log_in() == "shown-in-docs"


def test_the_team_is_told(shown, tc):
    shown.tell_the_team("all is well")
    assert [sent.kind for sent in list(tc.outbox)[-3:]] == ["slack-channel", "email", "pulse"]


def test_a_hook_is_triggered(shown, made_hook):
    made_hook({"command": [["true"]], "maxRunTime": 60}, name=("my-team", "build"))
    task_id, fires = shown.start_a_build()
    assert [fire["taskId"] for fire in fires] == [task_id]


def test_what_the_hook_has_no_method_for_is_called(shown, tc, worker):
    task_id = worker.create_task()
    worker.claim(task_id).fail()
    pages = []
    assert shown.call_anything(task_id, task_id, pages.append)["state"] == "pending"
    assert [member["status"]["taskId"] for page in pages for member in page["tasks"]] == [task_id]


def test_duckdb_counts_the_rows_of_a_task(shown, tc, worker, tmp_path):
    run = worker.claim(worker.create_task())
    for number in range(2):
        pd.DataFrame({"number": range(5)}).to_parquet(tmp_path / "table")
        run.add(f"public/{number}.parquet", (tmp_path / "table").read_bytes())
    assert shown.count_rows(run.task_id) == [(10,)]

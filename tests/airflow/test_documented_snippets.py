"""The short files of docs/examples, run."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from airflow_lines import AIRFLOW_2

from airflow_provider_taskcluster.emulator import Emulator
from airflow_provider_taskcluster.emulator.worker import CommandWorker, Worker
from airflow_provider_taskcluster.operators.run_task import TaskclusterRunTaskOperator

EXAMPLES = Path(__file__).parents[2] / "docs/examples"


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_notifier_is_the_callback_of_a_deadline():
    """On Airflow 2, which has no deadlines, the page says so."""
    page = (EXAMPLES.parent / "guides/notify.md").read_text()
    assert "On Airflow 3.1 and later the notifier can be the callback of a deadline" in page
    if not AIRFLOW_2:
        late = loaded("late_notifier").late
        assert late.kwargs["slack"] == "C0123456789"


def test_an_emulator_is_started_and_a_worker_publishes(capsys):
    task_id = loaded("own_emulator").publish_hello()
    assert task_id in capsys.readouterr().out


def test_the_worker_of_the_emulator_runs_a_task():
    assert "hello" in loaded("own_worker").run_echo().splitlines()


def test_the_task_on_the_page_of_the_emulator_is_run():
    with Emulator() as tc:
        credentials = {"clientId": tc.client_id, "accessToken": tc.access_token}
        environment = {**os.environ, **tc.environment}
        command = [sys.executable, EXAMPLES / "command_task.py"]
        with CommandWorker(tc.root_url, credentials, task_queue_id="emulator/linux"):
            task_id = subprocess.check_output(command, env=environment, text=True, timeout=60).strip()
            queue = Worker(tc.root_url, credentials).queue
            while queue.status(task_id)["status"]["state"] in {"pending", "running"}:
                time.sleep(0.1)
        assert queue.status(task_id)["status"]["state"] == "completed"
        with urllib.request.urlopen(queue.buildUrl("getLatestArtifact", task_id, "public/result.txt")) as response:
            assert response.read() == b"done\n"


@pytest.mark.parametrize(("name", "payload"), [("task_payloads", "build"), ("container_payload", "tests")])
def test_an_operator_takes_the_payloads_of_the_page(name, payload):
    made = getattr(loaded(name), payload)
    operator = TaskclusterRunTaskOperator(task_id="run", task_queue_id="a/b", payload=made)
    operator.render_template_fields({"ds": "2026-01-31"})
    operator.check_rendered()
    assert {"command", "maxRunTime", "artifacts"} <= operator.payload.keys()
    assert "{{" not in str(operator.payload)


def test_uris_of_assets_are_those_that_the_comment_says():
    module = loaded("made_assets")
    assert module.report.uri == "taskcluster://objects/my-team/report%20%231.html"
    assert module.report.uri in (EXAMPLES / "made_assets.py").read_text()
    assert module.log.uri.endswith("/0/public/logs/live_backing.log")


def test_all_that_is_to_be_imported_can_be():
    assert loaded("what_to_import").TaskclusterHook


@pytest.mark.usefixtures("database")
def test_the_address_of_a_task_reaches_a_function(tc, worker, load_test_dag, tmp_path):
    """The DAG runs link_of_a_task."""
    task_id = worker.run_task().task_id
    conf = {"task": task_id, "to": str(tmp_path / "page")}
    assert load_test_dag("link_in_a_function").test(run_conf=conf).state == "success"
    assert (tmp_path / "page").read_text() == f"{tc.root_url}/tasks/{task_id}"

"""A migrated Airflow database and a connection to a running emulator."""

from __future__ import annotations

import importlib.util
import json
import secrets
from pathlib import Path

import pytest
import taskcluster
from airflow_lines import AIRFLOW_2, REFUSES_TO_BLOCK, start_task_api, store_example_dags

from airflow_provider_taskcluster.emulator.testing import taskcluster_emulator, taskcluster_worker
from airflow_provider_taskcluster.emulator.worker import Worker

__all__ = ["taskcluster_emulator", "taskcluster_worker"]

# The form of Airflow 3 is seen in a browser: tests/slow/test_browser.py.
collect_ignore = [
    *([] if AIRFLOW_2 else ["test_form_of_airflow_2.py"]),
    *(["test_connection_read_in_a_loop.py"] if not REFUSES_TO_BLOCK else []),
]


@pytest.fixture(autouse=True)
def _close_hooks(hooks_made):
    """Close the hooks of each test, so that the next one starts without any."""
    yield
    for hook in list(hooks_made):
        hook.close()


@pytest.fixture(scope="session")
def database():
    from airflow.utils.db import initdb

    initdb()
    store_example_dags()
    start_task_api()


@pytest.fixture
def tc(taskcluster_emulator, monkeypatch):
    connection = {
        "conn_type": "taskcluster",
        "host": taskcluster_emulator.root_url,
        "login": taskcluster_emulator.client_id,
        "password": taskcluster_emulator.access_token,
        "extra": {"project_id": "tests"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_TASKCLUSTER_DEFAULT", json.dumps(connection))
    return taskcluster_emulator


@pytest.fixture
def load_test_dag(monkeypatch):
    """Load a DAG of ``dags/``; Airflow 3 runs DAGs of its folder only."""
    folder = Path(__file__).parent / "dags"
    monkeypatch.setattr("airflow.settings.DAGS_FOLDER", str(folder))

    def load(dag_id, **values):
        spec = importlib.util.spec_from_file_location(dag_id, folder / f"{dag_id}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        vars(module).update(values)
        return getattr(module, dag_id)()

    return load


@pytest.fixture
def made_hook(tc, taskcluster_worker):
    """Make a hook whose task runs a payload, which is a template, on the worker; return its group and id."""

    def make(payload, schema=None, name=None):
        name = name or (f"group-{secrets.token_hex(4)}", "hook")
        described = {"name": "n", "owner": "nobody@example.com", "description": "d"}
        metadata = {**described, "source": "https://example.com"}
        task = {"taskQueueId": taskcluster_worker.task_queue_id, "payload": payload, "metadata": metadata}
        definition = {"metadata": described, "task": task, "triggerSchema": schema or {"type": "object"}}
        options = {"rootUrl": tc.root_url, "credentials": {"clientId": tc.client_id, "accessToken": tc.access_token}}
        taskcluster.Hooks(options).createHook(*name, definition)
        role = {"description": "makes the task", "scopes": ["queue:create-task:*", "queue:scheduler-id:-"]}
        taskcluster.Auth(options).createRole(f"hook-id:{'/'.join(name)}", role)
        return name

    return make


@pytest.fixture
def worker(tc):
    return Worker(tc.root_url, {"clientId": tc.client_id, "accessToken": tc.access_token})

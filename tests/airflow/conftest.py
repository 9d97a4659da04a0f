"""A migrated Airflow database and a connection to a running emulator."""

from __future__ import annotations

import importlib.util
import json
import secrets
from pathlib import Path

import pytest
import taskcluster
from airflow_lines import AIRFLOW_2, REFUSES_TO_BLOCK, start_task_api, store

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
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    event.listen(Engine, "connect", do_not_wait_for_the_disk)
    initdb()
    start_task_api()


def do_not_wait_for_the_disk(connection, _):
    """Each task commits a dozen times, which no test needs after a power failure."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.close()


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


@pytest.fixture(scope="module")
def load_dag(database, tmp_path_factory):
    """Load a DAG of a file, in a folder that has no other.

    Airflow 3 runs DAGs of its folder only, and each ``dag.test()`` parses, serializes and stores the whole folder.
    """
    with pytest.MonkeyPatch.context() as patch:

        def load(file, **values):
            folder = tmp_path_factory.mktemp("dags")
            (folder / file.name).symlink_to(file)
            patch.setattr("airflow.settings.DAGS_FOLDER", str(folder))
            spec = importlib.util.spec_from_file_location(file.stem, folder / file.name)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            vars(module).update(values)
            dag = getattr(module, file.stem)()
            store(dag)
            return dag

        yield load


@pytest.fixture(scope="module")
def load_test_dag(load_dag):
    """Load a DAG of ``dags/``."""
    return lambda dag_id, **values: load_dag(Path(__file__).parent / f"dags/{dag_id}.py", **values)


@pytest.fixture(scope="module")
def load_example(load_dag):
    """Load a DAG of ``example_dags/``."""
    return lambda dag_id: load_dag(Path(__file__).parents[2] / f"example_dags/{dag_id}.py")


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

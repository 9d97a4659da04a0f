"""Hooks in event loops of a real triggerer and of tasks, with their connection in the database.

A connection in the environment hides what this is about: one in the database is read through the triggerer's own loop.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import airflow_services
import pytest

from airflow_provider_taskcluster.emulator.worker import Worker

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

DAGS = Path(__file__).parent / "dags"
DATA = os.urandom(100_000)
LONGEST = 30  # seconds


@pytest.fixture(scope="module")
def published(tc):
    """A task with an artifact."""
    run = (worker := Worker(tc.root_url, {"clientId": tc.client_id, "accessToken": tc.access_token})).claim(
        worker.create_task()
    )
    run.add("public/a", DATA)
    run.complete()
    return run.task_id


@pytest.fixture(scope="module")
def services(tc, published):
    settings = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "PYTHONPATH": str(DAGS),  # the triggerer imports triggers by their module
        "LOOPS_TASK_ID": published,
        "LOOPS_OBJECT": "tests/in-loops",
        "WAITS_ON_TASKS": "[]",
        "WAITS_INTERVAL": "5",
    }
    with airflow_services.running(tc, **settings) as running:
        yield running


@pytest.fixture
def stored(hook):
    hook.upload_object(DATA, "tests/in-loops", project_id="tests", expires=datetime.now(UTC) + timedelta(days=1))


def results(services, dag_id):
    """What the tasks of a DAG returned."""
    found = services.rows("SELECT value FROM xcom WHERE dag_id = :dag AND key = 'return_value'", dag=dag_id)
    texts = [
        bytes(value) if isinstance(value, memoryview) else value for (value,) in found
    ]  # PostgreSQL's of Airflow 2
    values = [json.loads(text) if isinstance(text, str | bytes) else text for text in texts]
    return [json.loads(value) if isinstance(value, str) else value for value in values]


def test_twenty_triggers_use_hooks_in_all_ways_together(services, stored):
    with services.explained(), services.triggerer():
        services.trigger("hooks_in_triggers", "triggers")
        assert services.wait_for_end("triggers") == "success"
        events = results(services, "hooks_in_triggers")
        assert len(events) == 20
        assert [event for event in events if event.get("size") != len(DATA)] == []
        assert max(event["seconds"] for event in events) < LONGEST


def test_tasks_use_hooks_in_loops_and_threads(services, stored):
    with services.explained():
        services.trigger("hooks_in_tasks", "tasks")
        assert services.wait_for_end("tasks") == "success"


@pytest.mark.skipif(version("apache-airflow").startswith("2."), reason="Airflow 2 has no such tasks")
def test_a_task_that_is_a_coroutine_function_uses_hooks(services, stored):
    with services.explained():
        services.trigger("hooks_in_coroutines", "coroutines")
        assert services.wait_for_end("coroutines") == "success"

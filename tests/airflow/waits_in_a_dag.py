"""Runs sensors in a DAG of their own in each of their modes."""

from __future__ import annotations

import json
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout, dag
from airflow_lines import tested_instances

try:
    from airflow.sdk.exceptions import AirflowRescheduleException
except ImportError:  # Airflow 2
    from airflow.exceptions import AirflowRescheduleException

MODES = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}
INTERVAL = 0.2  # seconds between two looks
SOME_LOOKS = 0.3

# The DAG under test, for Airflow 3, which takes DAGs from files only.
UNDER_TEST = []
FILE = f"# airflow\nfrom {__name__} import UNDER_TEST\n\ndag_under_test = UNDER_TEST[0]\n"


@pytest.fixture
def dag_folder(tmp_path, monkeypatch):
    (tmp_path / "dag_under_test.py").write_text(FILE)
    bundle = "airflow.dag_processing.bundles.local.LocalDagBundle"
    bundles = [{"name": "dag-under-test", "classpath": bundle, "kwargs": {"path": str(tmp_path)}}]
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps(bundles))


def run_in_a_dag(make_sensors):
    """Run the sensors that a function creates, one after the other; return their task instances by name."""

    @dag(
        dag_id=f"waits_{secrets.token_hex(4)}",
        schedule=None,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
    )
    def waits():
        make_sensors()

    UNDER_TEST[:] = [waits()]
    return {instance.task_id: instance for instance in tested_instances(UNDER_TEST[0])}


@dataclass
class End:
    """How a try of a task ended: the state of the task, and the error of the sensor."""

    state: str
    error: str = ""
    text: str = ""


# By name of the task.
ERRORS: dict[str, BaseException] = {}


@contextmanager
def _noted(sensor):
    try:
        yield
    except AirflowRescheduleException:
        raise
    except (Exception, AirflowTaskTimeout) as error:
        ERRORS[sensor.task_id] = error
        raise


def noting(kind: Any) -> Any:
    """Return a subclass of a sensor that records its errors in ``ERRORS``."""

    class Noting(kind):
        def pre_execute(self, context):
            with _noted(self):
                return super().pre_execute(context)

        def execute(self, context):
            with _noted(self):
                return super().execute(context)

        def resume_execution(self, *arguments, **named):
            with _noted(self):
                return super().resume_execution(*arguments, **named)

    return Noting


def ends(instances):
    """Return how all sensors of a DAG ended."""
    found = {}
    for name, instance in instances.items():
        error = ERRORS.pop(name, None)
        found[name] = End(str(instance.state), *((type(error).__name__, str(error)) if error else ()))
    return found

"""Tests that start whole programs, as a user would."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest
import web_ui

from airflow_provider_taskcluster.emulator import Emulator
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

REPOSITORY = Path(__file__).parents[2]

# `make ui` shows the web UI of Airflow 3; that of Airflow 2 is another program, and has no asset watchers. What is
# compared in benchmarks, what is moved in chaos and soak, and the emulator behind nginx, do not depend on the line, and
# run on one. A task is cleared under the scheduler of Airflow 3; test_large_results.py tries it again on both lines.
# Airflow 2 has no deadlines.
ON_AIRFLOW_3 = [
    *("test_ui.py", "test_browser.py", "test_watchers_under_triggerer.py"),
    *("test_bench_command.py", "test_nginx_store.py", "test_documented_shell.py", "test_chaos_command.py"),
    *("test_cleared_tasks.py", "test_late_runs.py", "test_soak_command.py"),
]
collect_ignore = ON_AIRFLOW_3 if version("apache-airflow").startswith("2.") else []


@pytest.fixture
def scripts():
    return REPOSITORY / "scripts"


@pytest.fixture(scope="module")
def tc():
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def hook(tc, monkeypatch):
    for name, value in tc.environment.items():
        monkeypatch.setenv(name, value)
    hook = TaskclusterHook("not_defined")
    yield hook
    hook.close()


@pytest.fixture(scope="session")
def ui():
    """A running ``make ui``."""
    with web_ui.running() as running:
        yield running

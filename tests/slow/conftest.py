"""Tests that start whole programs, as a user would."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

# `make ui` shows the web UI of Airflow 3; that of Airflow 2 is another program.
collect_ignore = ["test_ui.py"] if version("apache-airflow").startswith("2.") else []


@pytest.fixture
def scripts():
    return REPOSITORY / "scripts"

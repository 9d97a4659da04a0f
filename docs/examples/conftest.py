"""The ``conftest.py`` of the page on testing."""

from __future__ import annotations

# [START conftest]
import pytest

pytest_plugins = ["airflow_provider_taskcluster.emulator.testing"]


@pytest.fixture(scope="session")
def database() -> None:
    """Make Airflow's tables."""
    from airflow.utils.db import initdb

    initdb()


# [END conftest]

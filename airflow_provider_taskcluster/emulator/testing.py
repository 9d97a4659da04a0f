"""Pytest plugin with a fixture that runs an emulator.

In the ``conftest.py`` at the root of the tests::

    pytest_plugins = ["airflow_provider_taskcluster.emulator.testing"]

    def test_upload(taskcluster_emulator):
        ...  # taskcluster_emulator.root_url, .client_id, .access_token

One emulator serves a whole test session, so each test should use its own names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .server import Emulator
from .settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def taskcluster_emulator() -> Iterator[Emulator]:
    """A running emulator with an empty state, stopped at the end of the session; its claimWork waits 1 s at most."""
    with Emulator(settings=Settings(claim_work_seconds=1)) as emulator:
        yield emulator

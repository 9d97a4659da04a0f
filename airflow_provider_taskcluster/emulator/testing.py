"""Pytest plugin with a fixture that runs an emulator.

In the ``conftest.py`` at the root of the tests::

    pytest_plugins = ["airflow_provider_taskcluster.emulator.testing"]

    def test_upload(taskcluster_emulator):
        ...  # taskcluster_emulator.root_url, .client_id, .access_token

One emulator serves a whole test session, so each test should use its own names. The fixture
``taskcluster_worker`` runs a worker beside it, which executes the commands of tasks::

    def test_task(taskcluster_worker):
        ...  # create tasks of the queue taskcluster_worker.task_queue_id
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .server import Emulator
from .settings import Settings
from .worker import CommandWorker, WorkerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def taskcluster_emulator() -> Iterator[Emulator]:
    """A running emulator with an empty state, stopped at the end of the session; its claimWork waits 1 s at most."""
    with Emulator(settings=Settings(claim_work_seconds=1)) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def taskcluster_worker(taskcluster_emulator: Emulator) -> Iterator[CommandWorker]:
    """A running worker of the emulator, for tasks of the queue ``taskcluster_worker.task_queue_id``.

    It runs what tasks tell it to, as this user, two at once, until the end of the test module. It notices a
    cancelled task within a second.
    """
    credentials = {"clientId": taskcluster_emulator.client_id, "accessToken": taskcluster_emulator.access_token}
    settings = WorkerSettings(reclaim_seconds=1, capacity=2)
    root_url = taskcluster_emulator.root_url
    with CommandWorker(root_url, credentials, task_queue_id="emulator/commands", settings=settings) as worker:
        yield worker

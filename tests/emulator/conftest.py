from __future__ import annotations

import pytest
from emulator_clients import Clients
from emulator_contract import Contract, find_contract

from airflow_provider_taskcluster.emulator.testing import taskcluster_emulator, taskcluster_worker
from airflow_provider_taskcluster.emulator.worker import Worker

__all__ = ["taskcluster_emulator", "taskcluster_worker"]


@pytest.fixture(scope="session")
def contract():
    """The published schemas, where available; every response in every test is validated against them."""
    folder = find_contract()
    return Contract(folder) if folder else None


@pytest.fixture(scope="session")
def tc(taskcluster_emulator, contract):
    if contract:
        taskcluster_emulator.observers.append(contract.observe)
    return taskcluster_emulator


@pytest.fixture(autouse=True)
def _answers_keep_the_contract(contract):
    yield
    if contract:
        assert contract.take_complaints() == []


@pytest.fixture
def root(tc):
    """Clients with the scope ``*``."""
    return Clients(tc, {"clientId": tc.client_id, "accessToken": tc.access_token})


@pytest.fixture
def anonymous(tc):
    return Clients(tc)


@pytest.fixture
def holding(tc):
    """Clients with given scopes: ``holding("queue:status:*")``."""

    def make(*scopes, client_id="tests/limited"):
        token = tc.add_client(client_id, list(scopes))
        return Clients(tc, {"clientId": client_id, "accessToken": token})

    return make


@pytest.fixture
def worker(tc, root):
    return Worker(tc.root_url, root.credentials)


@pytest.fixture
def run(worker):
    """A run that a worker has just claimed."""
    return worker.claim(worker.create_task())


@pytest.fixture
def anonymous_scopes(tc):
    """Lets a test change the anonymous role, and changes it back."""
    before = tc.anonymous_scopes

    def change(*scopes):
        tc.anonymous_scopes = list(scopes)

    yield change
    tc.anonymous_scopes = before

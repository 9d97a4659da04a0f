"""One cluster for all tests, which run one after the other: each one needs all of the machine."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from pathlib import Path

import celery_cluster
import pytest
from traffic import Gate, Traffic
from transfer_run import PART_SIZE, TransferRun

from airflow_provider_taskcluster.emulator import Emulator, Settings
from airflow_provider_taskcluster.emulator.worker import CommandWorker, WorkerSettings
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

HERE = Path(__file__).parent
SIZE = 16 * PART_SIZE + 12_345
# A multiple of what a DAG of deferred_waits.py has.
WAITS = int(os.environ.get("CLUSTER_WAITS", "40"))
INTERVAL = 2


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="module")
def tc():
    with Emulator(settings=Settings(claim_work_seconds=1)) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def gate(tc):
    gate = Gate(PART_SIZE)
    tc.faults.add(gate, times=10_000_000)
    return gate


@pytest.fixture
def traffic(tc, gate):
    tc.journal.clear()
    yield Traffic(tc)
    gate.open()


@pytest.fixture(scope="module")
def waited_for(tc):
    return tc.bulk.create(WAITS)


@pytest.fixture(scope="module")
def cluster(tc, waited_for):
    environment = {"WAITS_ON_TASKS": json.dumps(waited_for), "WAITS_INTERVAL": str(INTERVAL)}
    credentials = {"clientId": tc.client_id, "accessToken": tc.access_token}
    settings = WorkerSettings(capacity=4, reclaim_seconds=1)
    with ExitStack() as stack:
        stack.enter_context(CommandWorker(tc.root_url, credentials, task_queue_id="tests/cluster", settings=settings))
        cluster = stack.enter_context(celery_cluster.running(tc, WAITS * 7 // 10, **environment))
        (cluster.shared / "source").write_bytes(os.urandom(SIZE))
        for dag_file in (HERE / "dags").glob("*.py"):
            cluster.deploy(dag_file)
        yield cluster


@pytest.fixture(scope="module")
def hook(tc):
    with pytest.MonkeyPatch.context() as environment:
        for name, value in tc.environment.items():
            environment.setenv(name, value)
        hook = TaskclusterHook("not_defined")
        yield hook
        hook.close()


@pytest.fixture
def transfer_run(cluster, tc, gate, traffic, hook):
    """Makes runs of the DAG ``transfers``."""

    def make(run_id):
        return TransferRun(cluster, tc, gate, traffic, hook, run_id)

    return make

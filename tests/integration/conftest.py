"""A running emulator, connections to it, and a simulated worker."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from datetime import UTC, datetime, timedelta

import pytest
from airflow_tries import TaskInstance
from fsspec.implementations.memory import MemoryFileSystem
from livelog import Livelog
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

from airflow_provider_taskcluster.common import retry
from airflow_provider_taskcluster.common.retry import RetryPolicy
from airflow_provider_taskcluster.emulator.testing import taskcluster_emulator, taskcluster_worker
from airflow_provider_taskcluster.emulator.worker import Worker
from airflow_provider_taskcluster.hooks.asynchronous import TaskclusterAsyncHook
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

try:
    from airflow.sdk.io import attach
except ImportError:  # Airflow 2
    from airflow.io.store import attach

CREATE_TASK = "/v1/task/"

__all__ = ["taskcluster_emulator", "taskcluster_worker"]

# Failures there show values too.
pytest.register_assert_rewrite("scopes_of_others", "scopes_of_tasks", "scopes_world", "waits_in_a_loop")

PROJECT = "tests"


@pytest.fixture
def tc(taskcluster_emulator):
    """The emulator, without faults and with an empty journal."""
    taskcluster_emulator.faults.clear()
    taskcluster_emulator.api_faults.clear()
    taskcluster_emulator.journal.clear()
    with taskcluster_emulator.clock.advanced():  # set back after the test
        yield taskcluster_emulator
    taskcluster_emulator.faults.clear()
    taskcluster_emulator.api_faults.clear()


@pytest.fixture(autouse=True)
def _close_hooks(hooks_made):
    """Close the hooks of each test, so that the next one starts without any."""
    yield
    for hook in list(hooks_made):
        hook.close()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Retries do not sleep, but their clock moves on; gives the waiting times."""
    waits = []
    wait_seconds = RetryPolicy.wait_seconds

    def note(self, tries, error):
        waits.append(wait_seconds(self, tries, error))
        return 0.0

    monkeypatch.setattr(RetryPolicy, "wait_seconds", note)
    monkeypatch.setattr(retry, "clock", lambda: time.monotonic() + sum(waits))
    return waits


@pytest.fixture
def connect(tc, monkeypatch):
    """Define a connection and return its hook; the default client has the scope ``*``."""
    hooks = []

    def make(conn_id="tc_test", *, extra=None, hook_arguments=None, **fields):
        connection = {
            "conn_type": "taskcluster",
            "host": tc.root_url,
            "login": tc.client_id,
            "password": tc.access_token,
            "extra": {"project_id": PROJECT, **(extra or {})},
            **fields,
        }
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(connection))
        hooks.append(TaskclusterHook(conn_id, **(hook_arguments or {})))
        return hooks[-1]

    yield make
    for hook in hooks:
        hook.close()


@pytest.fixture
def pings(connect):
    """Functions that define a connection and make a JSON call over it: with the hook of tasks, or of coroutines."""

    def in_event_loop(conn_id="tc_test", **fields):
        connect(conn_id, **fields)

        async def main():
            async with await TaskclusterAsyncHook.open(conn_id) as hook:
                return await hook.ping()

        return asyncio.run(main())

    return {"blocking": lambda *names, **fields: connect(*names, **fields).ping(), "event loop": in_event_loop}


@pytest.fixture(params=["blocking", "event loop"])
def ping(request, pings):
    return pings[request.param]


@pytest.fixture
def hook(connect):
    return connect()


@pytest.fixture
def holding(tc, connect):
    """A hook whose client holds just these scopes."""

    def make(*scopes, **options):
        client_id = f"tests/{secrets.token_hex(4)}"
        token = tc.add_client(client_id, list(scopes))
        return connect("tc_limited", login=client_id, password=token, **options)

    return make


@pytest.fixture
def no_anonymous_scopes(tc):
    """Leave unsigned requests no scopes."""
    before = tc.anonymous_scopes
    tc.anonymous_scopes = []
    yield
    tc.anonymous_scopes = before


@pytest.fixture
def own_dag_run(monkeypatch):
    """Make the test another DAG run: equal ones have equal tasks, and the emulator is shared."""
    monkeypatch.setattr(TaskInstance, "run_id", f"manual__{secrets.token_hex(8)}")


@pytest.fixture
def instance(own_dag_run):
    """The instance of an Airflow task, in a DAG run of its own."""
    return TaskInstance()


@pytest.fixture
def created_tasks(tc):
    """Return the ids of the tasks that were created since the test began, in order."""
    before = len(tc.journal.entries(method="PUT", path=CREATE_TASK))

    def ids():
        entries = tc.journal.entries(method="PUT", path=CREATE_TASK)[before:]
        return list(dict.fromkeys(entry.path.rpartition("/")[2] for entry in entries if entry.status == 200))

    return ids


@pytest.fixture
def name():
    """A unique object name."""
    return f"tests/{secrets.token_hex(8)}"


@pytest.fixture
def expires():
    return datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def worker(tc):
    return Worker(tc.root_url, {"clientId": tc.client_id, "accessToken": tc.access_token})


@pytest.fixture
def run(worker):
    """A run of a task that a worker has claimed."""
    return worker.claim(worker.create_task())


@pytest.fixture(scope="session")
def s3():
    """File system of a local S3 server with a bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    region = {"region_name": "us-east-1"}
    fs = S3FileSystem(key="k", secret="s", endpoint_url=f"http://{host}:{port}", client_kwargs=region)
    fs.call_s3("create_bucket", Bucket="bucket")
    yield fs
    server.stop()


@pytest.fixture(params=["memory", "s3"])
def bucket(request):
    """URL of an empty folder in a storage behind a connection."""
    conn_id, folder = f"storage_{secrets.token_hex(4)}", secrets.token_hex(4)
    if request.param == "memory":
        attach("memory", conn_id=conn_id, fs=MemoryFileSystem(skip_instance_cache=True))
        yield f"memory://{conn_id}@/{folder}"
        return
    fs = request.getfixturevalue("s3")
    attach("s3", conn_id=conn_id, fs=fs)
    yield f"s3://{conn_id}@bucket/{folder}"
    assert not fs.call_s3("list_multipart_uploads", Bucket="bucket").get("Uploads"), "an upload was left open"
    assert not list(fs.transaction.files), "a file is held for ever"
    if fs.exists(f"bucket/{folder}"):
        fs.rm(f"bucket/{folder}", recursive=True)  # the server keeps contents in files of this process


@pytest.fixture
def livelog():
    """A server of a live log."""
    with Livelog() as served:
        yield served


@pytest.fixture
def filesystem(connect):
    """Create a filesystem whose hook is closed after the test."""
    made = []

    def fs(conn_id="tc_test", **options):
        from airflow_provider_taskcluster.fs.filesystem import TaskclusterFileSystem

        made.append(TaskclusterFileSystem(conn_id, skip_instance_cache=True, **options))
        return made[-1]

    yield fs
    for fs in made:
        fs.hook.close()


@pytest.fixture
def fs(hook, filesystem):
    return filesystem()


@pytest.fixture
def conn_id(connect):
    """A unique connection id, since Airflow and fsspec cache the filesystem of each."""
    from airflow_provider_taskcluster.fs.filesystem import TaskclusterFileSystem

    conn_id = f"tc_{secrets.token_hex(4)}"
    connect(conn_id)
    yield conn_id
    attach("taskcluster", conn_id=conn_id).fs.hook.close()
    for fs in TaskclusterFileSystem._cache.values():
        fs.hook.close()


@pytest.fixture
def referring(hook, run, expires):
    """Publish a reference artifact to a server; returns the arguments for it."""

    def publish(served, name="public/a"):
        hook.create_reference_artifact(run.task_id, run.run_id, name, served.url, expires=expires)
        return {"task_id": run.task_id, "name": name, "run_id": run.run_id}

    return publish

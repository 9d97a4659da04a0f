"""Time-outs, retries and kill behaviour that all operators and sensors share."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import BaseSensorOperator

from airflow_provider_taskcluster.emulator.store.faults import Stall
from airflow_provider_taskcluster.exceptions import ConnectionFailed, Interrupted
from airflow_provider_taskcluster.operators.artifacts import TaskclusterDownloadArtifactOperator
from airflow_provider_taskcluster.operators.objects import (
    TaskclusterDownloadObjectOperator,
    TaskclusterUploadObjectOperator,
)
from airflow_provider_taskcluster.operators.purge_cache import TaskclusterPurgeCacheOperator
from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor
from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor

CONNECTION = {"task_id": "task", "taskcluster_conn_id": "tc_test"}


@pytest.fixture
def context():
    return {"dag_run": SimpleNamespace(start_date=datetime.now(UTC))}


EVERY_TASK = {
    "upload": lambda **kw: TaskclusterUploadObjectOperator(**kw, name="a", data="b", expires=timedelta(days=1)),
    "download object": lambda **kw: TaskclusterDownloadObjectOperator(**kw, name="a", destination="/nowhere/a"),
    "download artifact": lambda **kw: TaskclusterDownloadArtifactOperator(
        **kw, taskcluster_task_id="fN1SbArXTPSVFNUvaOlinQ", name="a", destination="/nowhere/a"
    ),
    "purge": lambda **kw: TaskclusterPurgeCacheOperator(**kw, worker_pool_id="a/b", cache_names="c"),
    "wait for object": lambda **kw: TaskclusterObjectSensor(**kw, name="a"),
    "wait for artifact": lambda **kw: TaskclusterArtifactSensor(
        **kw, taskcluster_task_id="fN1SbArXTPSVFNUvaOlinQ", name="a"
    ),
}


def run(task, context):
    if isinstance(task, BaseSensorOperator):
        return task.poke(context)
    return task.execute(context)


@pytest.mark.parametrize("make", EVERY_TASK.values(), ids=EVERY_TASK)
def test_every_task_takes_its_own_number_of_retries(connect, context, make, caplog):
    connect(host="http://127.0.0.1:1", extra={"max_retries": 4})
    for own, retries in ((None, 4), (2, 2), (0, 0)):
        caplog.clear()
        with contextlib.suppress(ConnectionFailed):
            run(make(**CONNECTION, max_retries=own), context)
        assert len([message for message in caplog.messages if message.startswith("Try ")]) == retries


@pytest.fixture
def silent_server():
    """Accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("make", EVERY_TASK.values(), ids=EVERY_TASK)
def test_every_task_takes_its_own_read_timeout(connect, context, silent_server, make):
    connect(host=silent_server, extra={"max_retries": 0})
    start = time.monotonic()
    with contextlib.suppress(ConnectionFailed):
        run(make(**CONNECTION, read_timeout=0.2), context)
    assert 0.2 <= time.monotonic() - start < 5


@pytest.fixture
def full_server():
    """Its queue of connections is full: the system answers no further one."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = []
        for _ in range(3):
            waiting.append(socket.socket())
            waiting[-1].settimeout(0)
            waiting[-1].connect_ex(listener.getsockname())
        time.sleep(0.05)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        for client in waiting:
            client.close()


@pytest.mark.parametrize("make", EVERY_TASK.values(), ids=EVERY_TASK)
def test_every_task_takes_its_own_connect_timeout(connect, context, full_server, make):
    connect(host=full_server, extra={"max_retries": 0})
    start = time.monotonic()
    with contextlib.suppress(ConnectionFailed):
        run(make(**CONNECTION, connect_timeout=0.2), context)
    assert 0.2 <= time.monotonic() - start < 5


def test_a_killed_task_ends_its_transfer(hook, name, expires, context, tc, tmp_path):
    hook.upload_object(os.urandom(2_000_000), name, expires=expires)
    tc.faults.add(Stall(after=100_000), method="GET")
    task = TaskclusterDownloadObjectOperator(**CONNECTION, name=name, destination=str(tmp_path / "copy"))
    killer = threading.Timer(0.5, task.on_kill)
    killer.start()
    start = time.monotonic()
    with pytest.raises(Interrupted, match="told to stop"):
        task.execute(context)
    assert time.monotonic() - start < 10
    assert not (tmp_path / "copy").exists()
    killer.join()


def test_a_task_that_was_killed_before_it_began_makes_no_hook(hook):
    task = EVERY_TASK["purge"](**CONNECTION)
    task.on_kill()
    assert "hook" not in task.__dict__

"""The page on migrating: failures of the hand-written code it shows, and the provider's behaviour in the same cases."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import taskcluster
from airflow_tries import TaskInstance
from taskcluster.exceptions import TaskclusterRestFailure

from airflow_provider_taskcluster.emulator.store.faults import Cut, Status
from airflow_provider_taskcluster.exceptions import TransferError

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
ARTIFACT = "public/build/target.zip"
DATA = os.urandom(3_000_000)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:taskcluster")


@pytest.fixture(autouse=True)
def as_the_clients_find_it(tc, monkeypatch):
    for name, value in tc.environment.items():
        monkeypatch.setenv(name, value)
    yield
    tc.faults.clear()


@pytest.fixture
def published(worker):
    return worker.run_task(artifacts={ARTIFACT: DATA}).task_id


def task(name, task_id):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)().get_task(task_id)


@pytest.fixture
def fetch_by_hand():
    return task("polling_by_hand", "fetch").python_callable


@pytest.fixture
def publish_by_hand():
    def publish(*arguments):
        try:
            task("polling_by_hand", "publish").python_callable(*arguments)
        finally:  # the client leaves its loop open when it fails
            asyncio.get_event_loop().close()
            asyncio.set_event_loop(None)

    return publish


def fetch(task_id, path):
    operator = task("with_the_provider", "fetch")
    operator.taskcluster_task_id, operator.destination, operator.max_retries = task_id, str(path), 0
    return operator.execute({})


def publish(path, name, expires):
    operator = task("with_the_provider", "publish")
    operator.source, operator.name, operator.expires, operator.max_retries = str(path), name, expires, 0
    return operator.execute({})


def test_both_download(published, fetch_by_hand, tmp_path):
    fetch_by_hand(published, ARTIFACT, str(tmp_path / "by_hand"))
    fetch(published, tmp_path / "ours")
    assert (tmp_path / "by_hand").read_bytes() == (tmp_path / "ours").read_bytes() == DATA


def test_by_hand_a_cut_leaves_half_a_file_under_the_final_name(published, fetch_by_hand, tc, tmp_path):
    tc.faults.add(Cut(after=2_000_000), method="GET")
    with pytest.raises(Exception, match=r"Connection broken|IncompleteRead"):
        fetch_by_hand(published, ARTIFACT, str(tmp_path / "target.zip"))
    assert 0 < (tmp_path / "target.zip").stat().st_size < len(DATA)


def test_with_the_provider_a_cut_leaves_no_file_of_that_name_and_the_next_try_goes_on(published, tc, tmp_path):
    tc.faults.add(Cut(after=1_000_000), method="GET")
    with pytest.raises(TransferError):
        fetch(published, tmp_path / "target.zip")
    assert not (tmp_path / "target.zip").exists()
    with tc.journal.recording() as seen:
        fetch(published, tmp_path / "target.zip")
    assert (tmp_path / "target.zip").read_bytes() == DATA
    assert 0 < sum(entry.sent for entry in seen.entries(origin="store")) < len(DATA)


def test_by_hand_a_retried_upload_is_locked_out(publish_by_hand, tc, tmp_path):
    (tmp_path / "target.zip").write_bytes(DATA)
    tc.faults.add(Status(403), method="PUT", times=100)
    with pytest.raises(Exception, match="403"):
        publish_by_hand(str(tmp_path / "target.zip"), "migration/by-hand")
    tc.faults.clear()
    with pytest.raises(TaskclusterRestFailure) as refused:
        publish_by_hand(str(tmp_path / "target.zip"), "migration/by-hand")
    assert refused.value.status_code == 409


def test_with_the_provider_a_retried_upload_is_taken_up_and_one_more_finds_it_done(tc, tmp_path):
    (tmp_path / "target.zip").write_bytes(DATA)
    expires = datetime.now(UTC) + timedelta(days=1)
    tc.faults.add(Status(403), method="PUT", times=100)
    with pytest.raises(Exception, match="403"):
        publish(tmp_path / "target.zip", "migration/ours", expires)
    tc.faults.clear()
    assert not publish(tmp_path / "target.zip", "migration/ours", expires)["already_present"]
    assert publish(tmp_path / "target.zip", "migration/ours", expires)["already_present"]


def run_by_hand(queue_id, monkeypatch):
    """Run the task as Airflow does; the pause between two looks is short."""
    monkeypatch.setattr("time.sleep", lambda _: threading.Event().wait(0.05))
    return task("running_by_hand", "build").python_callable(queue_id)


def run_with_the_provider(queue_id, instance):
    operator = task("running_with_the_provider", "build")
    operator.task_queue_id, operator.poll_interval, operator.deferrable = queue_id, 0.1, False
    return operator.execute(instance.context)


@pytest.fixture
def instance():
    TaskInstance.run_id = f"manual__{taskcluster.slugId()}"
    return TaskInstance()


def created(tc, since):
    return [entry for entry in tc.journal.entries(method="PUT", path="/v1/task/")[since:] if entry.status == 200]


@pytest.fixture
def since(tc):
    return len(tc.journal.entries(method="PUT", path="/v1/task/"))


def test_both_run_a_task(tc, taskcluster_worker, monkeypatch, instance, since):
    queue_id = taskcluster_worker.task_queue_id
    assert run_with_the_provider(queue_id, instance)["state"] == "completed"
    assert run_by_hand(queue_id, monkeypatch)
    assert len(created(tc, since)) == 2


def test_by_hand_a_retry_creates_a_second_task_and_with_the_provider_it_does_not(
    tc, taskcluster_worker, monkeypatch, instance, since
):
    queue_id = taskcluster_worker.task_queue_id
    for _ in range(2):
        run_by_hand(queue_id, monkeypatch)
    assert len(created(tc, since)) == 2
    results = [run_with_the_provider(queue_id, instance)["task_id"] for _ in range(2)]
    assert results[0] == results[1]
    assert len(created(tc, since)) == 3

"""Every example DAG, run by Airflow itself."""

from __future__ import annotations

import filecmp
import importlib.util
import os
import threading
from pathlib import Path

import pytest

from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

FOLDER = Path(__file__).parents[2] / "example_dags"

pytestmark = pytest.mark.usefixtures("database")


def load(dag_id):
    spec = importlib.util.spec_from_file_location(dag_id, FOLDER / f"{dag_id}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, dag_id)()


def run(dag_id, **conf):
    """Run a DAG; its state, and the states of its tasks by task."""
    dag_run = load(dag_id).test(run_conf=conf)
    states = {instance.task_id: str(instance.state) for instance in dag_run.get_task_instances()}
    return str(dag_run.state), states


def test_object_round_trip(tc, tmp_path):
    file = tmp_path / "file.bin"
    file.write_bytes(b"main job" * 10_000)
    state, states = run("object_round_trip", file=str(file), folder=str(tmp_path / "copies"))
    assert state == "success", states
    assert (tmp_path / "copies" / "file").read_bytes() == file.read_bytes()
    assert str(file) in (tmp_path / "copies" / "note.txt").read_text()


def test_object_round_trip_fails_where_there_is_no_file(tc, tmp_path):
    state, states = run("object_round_trip", file=str(tmp_path / "missing"), folder=str(tmp_path))
    assert state == "failed"
    assert states["upload_file"] == "failed"
    assert states["download_note"] == "success"


def test_wait_for_artifact(tc, worker, tmp_path):
    task_id = worker.create_task()

    def publish():
        run = worker.claim(task_id)
        run.add("public/build/report.txt", b"report" * 5000)
        run.complete()

    later = threading.Timer(3, publish)
    later.start()
    try:
        state, states = run("wait_for_artifact", taskcluster_task_id=task_id, folder=str(tmp_path))
    finally:
        later.join()
    assert state == "success", states
    assert (tmp_path / "artifact").read_bytes() == b"report" * 5000


def test_upload_with_retries(tc, tmp_path):
    file = tmp_path / "file.bin"
    file.write_bytes(os.urandom(20_000_000))
    dag_run = load("upload_with_retries").test(run_conf={"file": str(file)})
    assert str(dag_run.state) == "success"
    TaskclusterHook().download_object(f"airflow-demo/{dag_run.run_id}/large-file", tmp_path / "copy")
    assert filecmp.cmp(file, tmp_path / "copy", shallow=False)


def test_purge_caches(tc):
    state, states = run("purge_caches", worker_pool_id="tests/example")
    assert state == "success", states
    assert len(tc.journal.entries(method="POST", path="/purge-cache/tests%2Fexample")) == 2


def test_files_and_assets(tc):
    """The assets of this run are looked at in test_assets.py."""
    state, states = run("files_and_assets")
    assert state == "success", states


def test_every_example_has_a_test():
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert {path.stem for path in FOLDER.glob("*.py")} <= tested

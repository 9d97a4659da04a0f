"""Results of the hook pass from one task to another, on both lines of Airflow."""

from __future__ import annotations

import inspect
import json

import pytest

from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook

# Of use in the function that got them: open files, payloads, clients, lines, and bytes, which Airflow takes none of.
STAY = {
    "task_log",
    "open_payload",
    "open_object",
    "open_artifact",
    "read_object",
    "read_artifact",
    "get_conn",
    "upstream",
}

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def test_results_of_the_hook_are_dicts_in_another_task(tc, worker, load_test_dag, tmp_path):
    task_id = worker.run_task(artifacts={"public/a.txt": b"content"}).task_id
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_bytes(name.encode())
    run = load_test_dag("returned_results").test(run_conf={"taskcluster_task_id": task_id, "folder": str(folder)})
    assert run.state == "success"
    assert "TransferResult" not in (tmp_path / "folder-taken").read_text()


def test_all_that_a_method_returns_gets_there(tc, worker, load_test_dag, tmp_path):
    task_id = worker.claim(worker.create_task()).task_id
    run = load_test_dag("every_result").test(
        run_conf={"taskcluster_task_id": task_id, "folder": str(tmp_path / "every")}
    )
    assert run.state == "success"
    taken = json.loads((tmp_path / "every-taken.json").read_text())
    assert {name.partition(",")[0] for name in taken} == giving_methods() - STAY
    assert (taken["look"]["verdict"], taken["look"]["result"]["objects"][0]["name"]) == ("found", "every/one.txt")
    assert taken["look, not yet"] == {
        "verdict": "not yet",
        "why": "1 of 1 objects are not finished, 'every/no-such' for one",
    }
    assert taken["look, over"]["verdict"] == "over"
    assert "VZbhGFFgQFmsSHFXPBBNPQ" in taken["look, over"]["why"]


def giving_methods():
    """Return the names of the hook's public methods that return something."""
    methods = inspect.getmembers(TaskclusterHook, inspect.isfunction)
    ours = {name: method for name, method in methods if method.__module__.startswith("airflow_provider_taskcluster")}
    return {
        name
        for name, method in ours.items()
        if not name.startswith("_") and inspect.signature(method).return_annotation != "None"
    }

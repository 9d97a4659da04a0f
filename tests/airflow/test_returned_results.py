"""What the hook returns goes from one function to another, on both lines of Airflow."""

from __future__ import annotations

import pytest

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

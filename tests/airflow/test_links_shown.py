"""Links as Airflow's web server finds them: through the DAG as it is stored, and XCom."""

from __future__ import annotations

import pytest
from airflow_lines import stored

pytestmark = pytest.mark.usefixtures("database")


def links(dag, dag_run):
    """Return the addresses of all links of a run, by task and map index, then by name."""
    web = stored(dag)
    found = {}
    for ti in dag_run.get_task_instances():
        task = web.get_task(ti.task_id)
        names = ("Taskcluster task", "Taskcluster artifact", "Taskcluster object")
        found[ti.task_id, ti.map_index] = {
            name: task.get_extra_links(ti, name) for name in names if name in task.extra_links
        }
    return found


def test_links_are_there_for_tasks_that_succeed_and_for_those_that_fail(
    tc, worker, load_test_dag, tmp_path, capfd, caplog
):
    run = worker.run_task(artifacts={"public/a.txt": b"a"})
    dag = load_test_dag("linked_tasks")
    dag_run = dag.test(run_conf={"task": run.task_id, "folder": str(tmp_path)})
    states = {(ti.task_id, ti.map_index): str(ti.state) for ti in dag_run.get_task_instances()}
    assert states == {
        ("wait", -1): "success",
        ("download", 0): "success",
        ("download", 1): "failed",
        ("no_object", -1): "failed",
        ("no_task_id", -1): "failed",
        ("no_connection", -1): "failed",
        ("not_rendered", -1): "failed",
        ("none_rendered", 0): "failed",
    }
    out, err = capfd.readouterr()
    assert "XCom not found" not in out + err + caplog.text  # of those that fail before there are any
    page, api = f"{tc.root_url}/tasks/{run.task_id}", f"{tc.root_url}/api"
    none = {"Taskcluster task": None, "Taskcluster artifact": None}
    shown = {task: {name: url or None for name, url in urls.items()} for task, urls in links(dag, dag_run).items()}
    assert shown == {
        ("wait", -1): {
            "Taskcluster task": page,
            "Taskcluster artifact": f"{api}/queue/v1/task/{run.task_id}/artifacts/public%2Fa.txt",
        },
        ("download", 0): {
            "Taskcluster task": f"{page}/runs/0",
            "Taskcluster artifact": f"{page}/runs/0/public%2Fa.txt",
        },
        ("download", 1): {
            "Taskcluster task": f"{page}/runs/0",
            "Taskcluster artifact": f"{page}/runs/0/public%2Fmissing",
        },
        ("no_object", -1): {"Taskcluster object": f"{api}/object/v1/download/no%2Fsuch"},
        ("no_task_id", -1): none,
        ("no_connection", -1): {"Taskcluster object": None},
        ("not_rendered", -1): {"Taskcluster object": None},
        ("none_rendered", 0): {"Taskcluster object": None},
    }

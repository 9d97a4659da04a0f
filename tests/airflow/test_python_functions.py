"""``@task.taskcluster`` in Airflow: functions that run in a process of a worker."""

from __future__ import annotations

import random

import pytest

pytestmark = pytest.mark.usefixtures("database")


def states(dag_run):
    return {(ti.task_id, ti.map_index): str(ti.state) for ti in dag_run.get_task_instances()}


@pytest.mark.parametrize("deferrable", [False, True])
def test_functions_take_and_return_values(tc, taskcluster_worker, load_test_dag, deferrable):
    large = "".join(random.Random(1).choices("0123456789abcdefghij", k=300_000))
    dag = load_test_dag("python_functions", DEFERRABLE=deferrable, LARGE=large)
    dag_run = dag.test(run_conf={"queue": taskcluster_worker.task_queue_id})
    ended = states(dag_run)
    skipped = {(name, -1): ended.pop((name, -1)) for name in ("skipped", "skipped_without_airflow")}
    assert set(skipped.values()) == {"skipped"}, skipped
    assert set(ended.values()) == {"success"}, ended
    (one,) = (ti for ti in dag_run.get_task_instances() if ti.task_id == "check")
    assert one.xcom_pull(task_ids="doubled") == large * 2
    assert one.xcom_pull(task_ids="nothing") is None
    assert one.xcom_pull(task_ids="told", key="unicode").split() == ["žluťoučký", "🐎", "two", "lines"]

"""A rerun that Airflow itself retries, after the answer to the first request was lost."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from waits_in_a_dag import dag_folder, run_in_a_dag

from airflow_provider_taskcluster.emulator.store.faults import Reset
from airflow_provider_taskcluster.operators.tasks import TaskclusterRerunTaskOperator

__all__ = ["dag_folder"]

pytestmark = pytest.mark.usefixtures("database", "dag_folder")


@pytest.fixture(autouse=True)
def one_request(tc, monkeypatch):
    """The connection retries nothing, so that a lost answer fails the try."""
    connection = {"conn_type": "taskcluster", "host": tc.root_url, "login": tc.client_id}
    connection |= {"password": tc.access_token, "extra": {"max_retries": 0}}
    monkeypatch.setenv("AIRFLOW_CONN_TASKCLUSTER_DEFAULT", json.dumps(connection))


def test_it_adds_one_run_although_that_has_failed_before_the_retry(tc):
    (task_id,) = tc.bulk.create(1, state="failed")
    tc.api_faults.add(Reset(0), path=f"{task_id}/rerun")

    def fail_the_new_run(context):
        if context["ti"].try_number > 1:
            tc.bulk.resolve([task_id], "failed")

    def make():
        TaskclusterRerunTaskOperator(
            task_id="rerun",
            taskcluster_task_id=task_id,
            retries=1,
            retry_delay=timedelta(0),
            pre_execute=fail_the_new_run,
        )

    rerun = run_in_a_dag(make)["rerun"]
    assert (str(rerun.state), rerun.try_number) == ("success", 2)
    result = rerun.xcom_pull(task_ids="rerun")
    assert (result["run_id"], result["state"]) == (1, "failed")
    assert len(tc.journal.entries(method="POST", path=f"{task_id}/rerun")) == 1

"""Give a failed Taskcluster task another run: index the task if it completes, and cancel it if it takes too long.

Trigger it with the id of a task that is resolved, and not past its deadline.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import Param, dag

from airflow_provider_taskcluster.operators.tasks import (
    TaskclusterCancelTaskOperator,
    TaskclusterIndexTaskOperator,
    TaskclusterRerunTaskOperator,
)
from airflow_provider_taskcluster.sensors.tasks import TaskclusterTaskSensor


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={
        "taskcluster_task_id": Param("", type="string", description="Id of the Taskcluster task"),
        "index_path": Param("airflow-demo.reruns.latest", type="string"),
    },
    tags=["taskcluster", "example"],
)
def cancel_and_index() -> None:
    """Rerun and wait; then index, or cancel."""
    # [START rerun]
    rerun = TaskclusterRerunTaskOperator(
        task_id="rerun",
        taskcluster_task_id="{{ params.taskcluster_task_id }}",
    )
    wait = TaskclusterTaskSensor(
        task_id="wait",
        taskcluster_task_id="{{ ti.xcom_pull('rerun')['task_id'] }}",
        timeout=3600,
        poke_interval=2,
        deferrable=True,
    )
    # [END rerun]
    # [START index]
    index = TaskclusterIndexTaskOperator(
        task_id="index",
        index_path="{{ params.index_path }}",
        taskcluster_task_id="{{ params.taskcluster_task_id }}",
        expires=timedelta(days=30),
        rank="{{ dag_run.start_date.timestamp() | int }}",  # an older DAG run does not replace a newer one
        data={"run": "{{ ti.xcom_pull('wait')['run_id'] }}"},
    )
    # [END index]
    # [START cancel]
    cancel = TaskclusterCancelTaskOperator(
        task_id="cancel",
        taskcluster_task_id="{{ params.taskcluster_task_id }}",
        trigger_rule="one_failed",  # the sensor's time-out, for example
    )
    # [END cancel]

    rerun >> wait >> [index, cancel]


cancel_and_index()

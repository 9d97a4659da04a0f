"""Deferred sensors by the hundred, for test_waits_under_triggerer.py."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, Param, dag, task
from airflow.triggers.base import StartTriggerArgs

from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor
from airflow_provider_taskcluster.sensors.tasks import TaskclusterTaskSensor

TASK_IDS = json.loads(os.environ["WAITS_ON_TASKS"])
SENSOR = {"deferrable": True, "poke_interval": float(os.environ["WAITS_INTERVAL"]), "timeout": 24 * 3600}
START, FAR = datetime(2026, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
# Airflow 3 sends the whole DAG to the triggerer with each sensor that starts there.
SENSORS_OF_A_DAG = 20


class WithoutWorker(TaskclusterTaskSensor):
    """The scheduler defers it at once: Airflow calls that to start from a trigger."""

    start_from_trigger = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        classpath, arguments = self.trigger(FAR.timestamp()).serialize()
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls=classpath, trigger_kwargs=arguments, next_method="execute_complete", timeout=timedelta(days=1)
        )


@dag(schedule=None, start_date=START, catchup=False, params={"task_ids": Param([], type="array")})
def artifact_waits():
    @task
    def task_ids(params=None):
        return params["task_ids"]

    sensor = TaskclusterArtifactSensor.partial(task_id="wait", name="public/report.txt", **SENSOR)
    sensor.expand(taskcluster_task_id=task_ids())


artifact_waits()

for first in range(0, len(TASK_IDS), SENSORS_OF_A_DAG):
    with DAG(f"task_waits_{first}", schedule="@once", start_date=START, catchup=False):
        for number in range(first, first + SENSORS_OF_A_DAG):
            WithoutWorker(task_id=f"wait_{number}", taskcluster_task_id=TASK_IDS[number], **SENSOR)

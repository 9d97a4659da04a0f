"""Deferred sensors by the hundred, for test_waits_under_triggerer.py."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import Param, dag, task
from airflow.triggers.base import StartTriggerArgs

from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor
from airflow_provider_taskcluster.sensors.tasks import TaskclusterTaskSensor

TASK_IDS = json.loads(os.environ["WAITS_ON_TASKS"])
WITHOUT_WORKERS = os.environ["WAITS_WITHOUT_WORKERS"] == "yes"
FAR = datetime(2100, 1, 1, tzinfo=UTC)

SENSOR = {"deferrable": True, "poke_interval": float(os.environ["WAITS_INTERVAL"]), "timeout": 24 * 3600}
START = datetime(2026, 1, 1, tzinfo=UTC)


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


@dag(schedule=None, start_date=START, catchup=False)
def task_waits():
    if WITHOUT_WORKERS:
        for number, task_id in enumerate(TASK_IDS):
            WithoutWorker(task_id=f"wait_{number}", taskcluster_task_id=task_id, **SENSOR)
    else:
        TaskclusterTaskSensor.partial(task_id="wait", **SENSOR).expand(taskcluster_task_id=TASK_IDS)


artifact_waits()
task_waits()

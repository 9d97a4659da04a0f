"""Deferred sensors that do not find what they wait for, for test_ends_under_triggerer.py."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import dag
from raising_trigger import RaisingTrigger

from airflow_provider_taskcluster.sensors.index import TaskclusterIndexSensor
from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor

SENSOR = {"deferrable": True, "poke_interval": 1, "timeout": 3600}
START = datetime(2026, 1, 1, tzinfo=UTC)


class WithRaisingTrigger(TaskclusterIndexSensor):
    """Waits by such a trigger."""

    def trigger(self, deadline):
        _, arguments = super().trigger(deadline).serialize()
        return RaisingTrigger(**arguments)


@dag(schedule=None, start_date=START, catchup=False)
def waits_that_end():
    none = {"index_path": "waits.none", **SENSOR}
    TaskclusterIndexSensor(task_id="out_of_time", execution_timeout=timedelta(seconds=15), **none)
    TaskclusterIndexSensor(task_id="out_of_time_soft", execution_timeout=timedelta(seconds=15), soft_fail=True, **none)
    WithRaisingTrigger(task_id="crash", **none)
    WithRaisingTrigger(task_id="crash_soft", soft_fail=True, **none)
    WithRaisingTrigger(task_id="crash_never", never_fail=True, **none)


@dag(schedule=None, start_date=START, catchup=False)
def waits_that_go_on():
    TaskclusterIndexSensor(task_id="index", index_path="waits.{{ run_id }}", **SENSOR)
    TaskclusterObjectSensor(task_id="object", name="waits/{{ run_id }}", **SENSOR)


waits_that_end()
waits_that_go_on()

"""The growing intervals of a wait, compared with those of Airflow's own sensors."""

from __future__ import annotations

from datetime import timedelta

import pytest
from airflow.providers.common.compat.sdk import BaseSensorOperator

from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor
from airflow_provider_taskcluster.waits.backoff import Backoff


def intervals(backoff, poke_interval, looks):
    now, found = backoff.started, []
    for _ in range(looks):
        found.append(backoff.seconds(poke_interval, now))
        now += found[-1]
    return found


def test_each_interval_is_twice_the_one_before():
    assert intervals(Backoff(1000.0), 60, 5) == [30, 60, 120, 240, 480]


def test_up_to_the_longest_wait():
    assert intervals(Backoff(1000.0, max_wait=100.0), 60, 5) == [30, 60, 100, 100, 100]
    assert intervals(Backoff(1000.0, max_wait=0.2), 60, 3) == [0.2, 0.2, 0.2]


def test_a_restarted_triggerer_goes_on_where_the_one_before_was():
    assert Backoff(1000.0).seconds(60, 1000.0 + 30 + 60 + 1) == 120


@pytest.mark.parametrize("poke_interval", [1, 5, 60])
@pytest.mark.parametrize("max_wait", [None, timedelta(seconds=90)])
def test_they_are_within_those_of_poke_mode(poke_interval, max_wait):
    sensor = TaskclusterObjectSensor(
        task_id="task", name="a", poke_interval=poke_interval, max_wait=max_wait, exponential_backoff=True, timeout=1e9
    )
    ours = intervals(Backoff(0.0, max_wait.total_seconds() if max_wait else None), poke_interval, 6)
    airflows = [BaseSensorOperator._get_next_poke_interval(sensor, 0.0, lambda: 0.0, look) for look in range(1, 7)]
    for one, other in zip(ours, airflows, strict=True):
        assert one <= other <= max(2 * one, 1)

"""Missing artifacts: sensors, in each mode, and downloads list the names that exist."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from waits_in_a_loop import run, start, trigger

from airflow_provider_taskcluster.exceptions import InvalidInput, NotFound
from airflow_provider_taskcluster.sensors.artifacts import TaskclusterArtifactSensor
from airflow_provider_taskcluster.sensors.index import TaskclusterIndexSensor
from airflow_provider_taskcluster.triggers.events import TaskclusterIndexEventTrigger
from airflow_provider_taskcluster.waits.conditions.artifacts import ArtifactWait

CONNECTION = {"task_id": "task", "taskcluster_conn_id": "tc_test"}
NEAREST = "did you mean public/logs/live.log?"


@pytest.fixture
def task_id(worker):
    """A task that runs, and has its log."""
    run = worker.claim(worker.create_task())
    run.add("public/logs/live.log", b"x")
    run.add("public/build/target.zip", b"x")
    yield run.task_id
    run.complete()


def test_a_sensor_says_so_in_its_first_line_and_in_its_time_out(hook, task_id):
    sensor = TaskclusterArtifactSensor(**CONNECTION, taskcluster_task_id=task_id, name="public/live.log")
    assert not sensor.poke({}).is_done
    assert NEAREST in sensor.last_look
    assert "it has 'public/build/target.zip', 'public/logs/live.log'" in sensor.last_look


@pytest.mark.parametrize("where", ["worker", "triggerer"])
def test_it_says_so_when_the_task_has_ended(hook, worker, where):
    ended = worker.claim(worker.create_task())
    ended.add("public/logs/live.log", b"x")
    ended.complete()

    async def main():
        (found,) = [await each for each in start(trigger(ArtifactWait(task_id=ended.task_id, names=["live.log"])))]
        assert found["message"].endswith(NEAREST)

    if where == "triggerer":
        run(main)
    else:
        with pytest.raises(AirflowFailException, match=r"did you mean public/logs/live\.log\?"):
            TaskclusterArtifactSensor(**CONNECTION, taskcluster_task_id=ended.task_id, name="live.log").poke({})


def test_what_is_there_with_another_type_has_no_nearest(hook, task_id):
    sensor = TaskclusterArtifactSensor(
        **CONNECTION, taskcluster_task_id=task_id, name="public/logs/live.log", content_type="text/html"
    )
    assert not sensor.poke({}).is_done
    assert "did you mean" not in sensor.last_look


def test_a_download_says_so(hook, task_id):
    with pytest.raises(NotFound, match=r"did you mean public/logs/live\.log\?"):
        hook.read_artifact(task_id, "public/live.log")


def test_a_download_that_may_not_list_says_what_it_knows(holding, task_id):
    with pytest.raises(NotFound, match="no such task, run or artifact"):
        holding("queue:get-artifact:*").read_artifact(task_id, "public/live.log")


@pytest.mark.parametrize("written", ["index.my-team.builds.latest", "{{ 'index.' }}my-team.builds.latest"])
def test_the_prefix_of_a_route_is_refused_at_once(hook, written):
    def waiting():
        sensor = TaskclusterIndexSensor(**CONNECTION, index_path=written)
        sensor.render_template_fields({})
        return sensor.poke({})

    with pytest.raises(
        (InvalidInput, AirflowFailException), match=r"'index\.' is not a part of the index path, write 'my"
    ):
        waiting()
    with pytest.raises(InvalidInput, match="is not a part of the index path"):
        TaskclusterIndexEventTrigger(index_path="index.a.b")

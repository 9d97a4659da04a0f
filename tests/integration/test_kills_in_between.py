"""Airflow ends its task in the middle of a call, or while the connection is read again: the Taskcluster task ends, too.

On Airflow 3 the process goes on after ``on_kill``, which the handler of a signal calls.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from airflow_tries import execute_in_thread
from taskcluster_hooks import STRICT, MadeHook, template

from airflow_provider_taskcluster.exceptions import Interrupted
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.operators.groups import TaskclusterRunTaskGroupOperator
from airflow_provider_taskcluster.operators.hooks import TaskclusterTriggerHookOperator
from airflow_provider_taskcluster.operators.run_task import TaskclusterRunTaskOperator

USUAL = {"task_id": "task", "taskcluster_conn_id": "tc_test", "poll_interval": 30}
RUN = {"payload": {"command": [["true"]]}}
CREATE, TRIGGER = ("PUT", "/v1/task/"), ("POST", "/trigger")


class KillOnTheWay:
    """A fault: the Airflow task is killed before the service sees a request, which has its effect then."""

    def __init__(self, operator):
        self._operator = operator

    async def answer(self, exchange):
        await asyncio.to_thread(self._operator.on_kill)
        await exchange.store_answers(exchange.send)


@pytest.fixture
def task(hook, worker):
    return TaskclusterRunTaskOperator(**USUAL, **RUN, task_queue_id=worker.task_queue_id)


@pytest.fixture
def group(hook, worker):
    return TaskclusterRunTaskGroupOperator(**USUAL, tasks={"one": RUN}, task_queue_id=worker.task_queue_id)


@pytest.fixture
def trigger(hook, worker):
    return lambda **options: TaskclusterTriggerHookOperator(
        **USUAL, **MadeHook(hook, template(worker.task_queue_id), **options).arguments
    )


@pytest.fixture
def end_of_killed(tc, hook, instance):
    """Run an operator that is killed during a request; return how the one task that it made has ended."""
    created = []

    def note(_service, operation, _status, answer):
        if operation in {"createTask", "triggerHook"}:
            created.append(answer["status"]["taskId"])

    def run(operator, request, nth=1):
        method, path = request
        tc.api_faults.add(KillOnTheWay(operator), method=method, path=path, nth=nth)
        with pytest.raises(Interrupted):
            execute_in_thread(operator, instance.context)
        (task_id,) = created
        return hook.task_status(task_id)["runs"][-1].get("reasonResolved")

    tc.observers.append(note)
    yield run
    tc.observers.remove(note)


def test_a_task_that_is_being_created_is_canceled(end_of_killed, task):
    assert end_of_killed(task, CREATE) == "canceled"


def test_so_is_one_of_a_group(end_of_killed, group):
    assert end_of_killed(group, CREATE) == "canceled"


def test_so_is_one_that_a_hook_makes(end_of_killed, trigger):
    assert end_of_killed(trigger(), TRIGGER) == "canceled"


def test_so_is_one_whose_id_only_the_answer_tells(end_of_killed, trigger):
    assert end_of_killed(trigger(schema=STRICT), TRIGGER, nth=2) == "canceled"


def test_a_task_may_be_left(end_of_killed, task):
    task.when_killed = "leave"
    assert end_of_killed(task, CREATE) is None


def test_a_kill_while_the_connection_is_read_again_cancels(task, instance, hook):
    class Rotated(TaskclusterHook):
        """A hook that is closed after its connection has changed, in the moment of a kill."""

        def close(self):
            task.on_kill()
            super().close()

    task.hook = Rotated("tc_test")
    status = task.start(instance.context)
    task._renew_hook()
    assert hook.task_status(status["taskId"])["runs"][-1]["reasonResolved"] == "canceled"


BEFORE_EXECUTION = """
import sys
from airflow_provider_taskcluster.operators.run_task import TaskclusterRunTaskOperator
operator = TaskclusterRunTaskOperator(task_id="task", task_queue_id="a/b", payload={})
needed = {"taskcluster", "airflow_provider_taskcluster.common.http.pools"}
assert not needed & set(sys.modules)
operator.pre_execute({})
assert needed <= set(sys.modules)
"""


def test_what_a_cancel_takes_is_loaded_before_there_is_anything_to_cancel():
    """Or a kill comes in the middle of an import, and its handler finds a module half made."""
    ended = subprocess.run([sys.executable, "-c", BEFORE_EXECUTION], check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr

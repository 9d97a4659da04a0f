"""Groups of tasks through the hook: described, sealed, canceled; statuses of many tasks."""

from __future__ import annotations

import pytest
import taskcluster

from airflow_provider_taskcluster.emulator.store.faults import Reset
from airflow_provider_taskcluster.exceptions import InsufficientScopes, InvalidInput, NotFound


@pytest.fixture
def group(worker):
    """A group of two tasks."""
    group_id = taskcluster.slugId()
    return group_id, [worker.create_task(taskGroupId=group_id, schedulerId="airflow") for _ in range(2)]


def test_a_group_is_described_and_sealed(hook, group):
    group_id, _ = group
    info = hook.task_group(group_id)
    assert (info["taskGroupId"], info["schedulerId"], "sealed" in info) == (group_id, "airflow", False)
    sealed = hook.seal_task_group(group_id)
    assert sealed["sealed"]
    assert hook.seal_task_group(group_id) == hook.task_group(group_id) == sealed


def test_a_group_that_is_not_sealed_is_canceled(hook, group, worker, tc):
    group_id, (first, second) = group
    worker.claim(first).complete()
    tc.api_faults.add(Reset(0), path="/seal")
    canceled = hook.cancel_task_group(group_id)
    assert canceled == {"taskGroupId": group_id, "taskGroupSize": 2, "cancelledCount": 1, "taskIds": [second]}
    assert hook.task_status(second)["runs"][-1]["reasonResolved"] == "canceled"
    assert hook.task_group(group_id)["sealed"]
    assert hook.cancel_task_group(group_id)["cancelledCount"] == 0


@pytest.mark.parametrize("method", ["task_group", "seal_task_group", "cancel_task_group"])
def test_a_group_that_does_not_exist(hook, method, tc):
    with pytest.raises(NotFound):
        getattr(hook, method)(taskcluster.slugId())
    before = len(tc.journal.entries())
    with pytest.raises(InvalidInput):
        getattr(hook, method)("x")
    assert len(tc.journal.entries()) == before


def test_statuses_of_many_tasks_are_one_request(hook, tc):
    task_ids = tc.bulk.create(300)
    found = hook.task_statuses([*task_ids, taskcluster.slugId(), task_ids[0]])
    assert sorted(found) == sorted(task_ids)
    assert found[task_ids[0]] == hook.task_status(task_ids[0])
    assert len(tc.journal.entries(path="/v1/tasks/status")) == 1
    assert hook.task_statuses([]) == {}


@pytest.mark.usefixtures("no_anonymous_scopes")
def test_without_the_scope_statuses_are_an_error(holding, worker):
    task_id = worker.create_task()
    limited = holding("queue:status:other")
    with pytest.raises(InsufficientScopes):
        limited.task_statuses([task_id, taskcluster.slugId()])

"""Bulk operations on tasks, without the API."""

from __future__ import annotations

import pytest
import taskcluster
from emulator_clients import fresh, http, refused

from airflow_provider_taskcluster.emulator.errors import ApiError


def states(root, task_ids):
    found = root.queue.statuses({"taskIds": task_ids})["statuses"]
    assert len(found) == len(task_ids)
    return {entry["status"]["state"] for entry in found}


@pytest.mark.parametrize("state", ["pending", "running", "completed", "failed", "exception"])
def test_many_tasks_are_made_in_a_state(tc, root, state):
    assert states(root, tc.bulk.create(300, state=state)) == {state}


def test_a_state_that_does_not_exist_is_refused(tc):
    with pytest.raises(ValueError, match="'done' is none of"):
        tc.bulk.create(1, state="done")
    with pytest.raises(ValueError, match="'running' is none of"):
        tc.bulk.resolve([], "running")


def test_a_definition_can_be_had_for_all(tc, root):
    task_group_id, path = taskcluster.slugId(), fresh("tests.bulk")
    required = tc.bulk.create(1)
    task_ids = tc.bulk.create(
        3, state="unscheduled", taskGroupId=task_group_id, routes=[f"index.{path}"], dependencies=required
    )
    assert states(root, task_ids) == {"unscheduled"}
    members = root.queue.listTaskGroup(task_group_id)["tasks"]
    assert [member["status"]["taskId"] for member in members] == sorted(task_ids)
    tc.bulk.resolve(required)
    assert states(root, task_ids) == {"pending"}
    tc.bulk.resolve(task_ids)
    assert root.index.findTask(path)["taskId"] == task_ids[-1]


def test_tasks_go_through_their_states_together(tc, root):
    task_ids = tc.bulk.create(5)
    tc.bulk.claim(task_ids)
    assert states(root, task_ids) == {"running"}
    tc.bulk.resolve(task_ids, "exception", "worker-shutdown")
    assert states(root, task_ids) == {"pending"}
    tc.bulk.resolve(task_ids, "failed")
    tc.bulk.rerun(task_ids)
    assert states(root, task_ids) == {"pending"}
    status = root.queue.status(task_ids[0])["status"]
    assert [run["reasonCreated"] for run in status["runs"]] == ["scheduled", "retry", "rerun"]
    assert status["retriesLeft"] == 5


def test_the_worker_of_many_does_not_tire(tc, root):
    task_ids = tc.bulk.create(2, state="running")
    with tc.clock.advanced(hours=20):
        assert states(root, task_ids) == {"running"}


def test_artifacts_are_announced_and_there_later(tc, root):
    task_ids = tc.bulk.create(3, state="running")
    tc.bulk.announce(task_ids, "public/a.txt")
    (listed,) = root.queue.listLatestArtifacts(task_ids[0])["artifacts"]
    assert (listed["name"], listed["storageType"]) == ("public/a.txt", "object")
    with refused(404, "ResourceNotFound"):
        root.queue.latestArtifactInfo(task_ids[0], "public/a.txt")
    tc.bulk.finish(task_ids, "public/a.txt")
    for task_id in task_ids:
        assert root.queue.latestArtifactInfo(task_id, "public/a.txt")["contentType"] == "text/plain"
        url = http("GET", root.queue.buildUrl("getLatestArtifact", task_id, "public/a.txt"))[1]["Location"]
        assert http("GET", url)[2] == task_id.encode()


def test_all_or_none(tc, root):
    running, completed = tc.bulk.create(1, state="running"), tc.bulk.create(1, state="completed")
    with pytest.raises(ApiError, match="resolved or not running"):
        tc.bulk.resolve([*running, *completed], "failed")
    assert states(root, running) == {"running"}
    with pytest.raises(LookupError, match="announced"):
        tc.bulk.finish(running, "public/a.txt")

"""Task groups: tasks of one scheduler, listed in pages; sealed groups."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import taskcluster
from emulator_clients import in_days, pages, refused


@pytest.fixture
def group(worker):
    """The id of a group with five tasks, and their ids."""
    task_group_id = taskcluster.slugId()
    return task_group_id, sorted(worker.create_task(taskGroupId=task_group_id) for _ in range(5))


def instant(text):
    return datetime.fromisoformat(text)


def members(page):
    return [member["status"]["taskId"] for member in page["tasks"]]


def test_a_group_lists_its_tasks_with_definition_and_status(root, worker, group):
    task_group_id, task_ids = group
    worker.claim(task_ids[0]).complete()
    page = root.queue.listTaskGroup(task_group_id)
    assert (page["taskGroupId"], page["schedulerId"]) == (task_group_id, "-")
    assert members(page) == task_ids
    assert [member["status"]["state"] for member in page["tasks"]] == ["completed", *["running"] * 4]
    assert all(member["task"]["taskGroupId"] == task_group_id for member in page["tasks"])


def test_members_come_in_pages(root, group):
    task_group_id, task_ids = group
    found = [members(page) for page in pages(lambda query: root.queue.listTaskGroup(task_group_id, query=query))]
    assert [len(page) for page in found] == [2, 2, 1]
    assert [task_id for page in found for task_id in page] == task_ids


def test_a_task_without_a_group_makes_one_of_its_own(root, worker):
    task_id = worker.create_task()
    assert members(root.queue.listTaskGroup(task_id)) == [task_id]


def test_a_group_outlives_its_last_task_by_an_hour(root, worker):
    task_group_id = taskcluster.slugId()
    late = in_days(20)
    for expires in (in_days(5), late, in_days(6)):
        worker.create_task(taskGroupId=task_group_id, expires=expires)
    assert instant(root.queue.getTaskGroup(task_group_id)["expires"]) == instant(late) + timedelta(hours=1)


def test_a_group_has_one_scheduler(root, worker, group):
    with refused(409, "RequestConflict"):
        worker.create_task(taskGroupId=group[0], schedulerId="another")
    assert len(root.queue.listTaskGroup(group[0])["tasks"]) == 5


def test_a_sealed_group_takes_no_more_tasks(root, worker, group):
    task_group_id, task_ids = group
    assert "sealed" not in root.queue.getTaskGroup(task_group_id)
    sealed = root.queue.sealTaskGroup(task_group_id)
    assert sealed == root.queue.sealTaskGroup(task_group_id) == root.queue.getTaskGroup(task_group_id)
    with refused(409, "RequestConflict"):
        worker.create_task(taskGroupId=task_group_id)
    assert members(root.queue.listTaskGroup(task_group_id)) == task_ids
    with refused(409, "RequestConflict"):  # the seal is checked before the task is looked up
        root.queue.createTask(task_ids[0], root.queue.task(task_ids[0]))


def test_an_unknown_group_is_not_found(root):
    for call in (root.queue.listTaskGroup, root.queue.getTaskGroup, root.queue.sealTaskGroup):
        with refused(404, "ResourceNotFound"):
            call(taskcluster.slugId())


def test_a_group_id_of_another_form_is_refused(root):
    with refused(400, "InvalidRequestArguments"):
        root.queue.listTaskGroup("not-a-group")


def test_listing_and_sealing_need_scopes(anonymous, holding, group, anonymous_scopes):
    task_group_id, task_ids = group
    for call in (anonymous.queue.listTaskGroup, anonymous.queue.getTaskGroup):
        with refused(403, "InsufficientScopes"):
            call(task_group_id)
    anonymous_scopes("queue:list-task-group:*")
    assert members(anonymous.queue.listTaskGroup(task_group_id)) == task_ids
    with refused(403, "InsufficientScopes"):
        anonymous.queue.sealTaskGroup(task_group_id)
    assert holding(f"queue:seal-task-group:-/{task_group_id}").queue.sealTaskGroup(task_group_id)["sealed"]


def test_a_sealed_group_can_be_cancelled(root, worker, holding, group):
    task_group_id, task_ids = group
    with refused(409, "RequestConflict"):
        root.queue.cancelTaskGroup(task_group_id)
    worker.claim(task_ids[0]).complete()
    root.queue.sealTaskGroup(task_group_id)
    with refused(403, "InsufficientScopes"):
        holding("queue:cancel-task:*").queue.cancelTaskGroup(task_group_id)
    limited = holding(f"queue:cancel-task-group:-/{task_group_id}")
    answer = limited.queue.cancelTaskGroup(task_group_id)
    assert answer == {
        "taskGroupId": task_group_id,
        "taskGroupSize": 5,
        "cancelledCount": 4,
        "taskIds": task_ids[1:],
    }
    assert root.queue.status(task_ids[1])["status"]["runs"][-1]["reasonResolved"] == "canceled"
    assert limited.queue.cancelTaskGroup(task_group_id)["taskIds"] == []


def test_a_group_that_grows_while_it_is_listed_shows_some_tasks_twice_and_some_never(root, worker):
    task_group_id = taskcluster.slugId()
    ids = sorted(taskcluster.slugId() for _ in range(4))
    for task_id in ids[1:]:
        worker.create_task(task_id, taskGroupId=task_group_id)
    first = root.queue.listTaskGroup(task_group_id, query={"limit": "2"})
    worker.create_task(ids[0], taskGroupId=task_group_id)
    rest = root.queue.listTaskGroup(task_group_id, query={"continuationToken": first["continuationToken"]})
    assert members(first) + members(rest) == [ids[1], ids[2], ids[2], ids[3]]


def test_the_priority_of_all_unresolved_tasks_of_a_group_is_changed(root, worker, holding, group):
    task_group_id, task_ids = group
    ended, urgent, *others = task_ids
    worker.claim(ended).complete()
    root.queue.changeTaskPriority(urgent, {"newPriority": "high"})
    with refused(403, "InsufficientScopes"):
        holding("queue:change-task-priority:*").queue.changeTaskGroupPriority(task_group_id, {"newPriority": "high"})
    limited = holding(f"queue:change-task-group-priority:-/{task_group_id}")
    assert limited.queue.changeTaskGroupPriority(task_group_id, {"newPriority": "high"}) == {
        "taskGroupId": task_group_id,
        "schedulerId": "-",
        "newPriority": "high",
        "tasksAffected": 3,
        "taskIds": others,
    }
    listed = root.queue.listTaskGroup(task_group_id)["tasks"]
    assert [member["status"]["priority"] for member in listed] == ["lowest", *["high"] * 4]
    assert [member["task"]["priority"] for member in listed] == ["lowest", *["high"] * 4]
    assert root.queue.changeTaskGroupPriority(task_group_id, {"newPriority": "high"})["tasksAffected"] == 0
    with refused(404, "ResourceNotFound"):
        root.queue.changeTaskGroupPriority(taskcluster.slugId(), {"newPriority": "high"})


def test_an_empty_group_can_be_sealed_and_cancelled(root, worker):
    task_group_id = taskcluster.slugId()
    with refused(400, "InputError"):
        worker.create_task(taskGroupId=task_group_id, dependencies=[taskcluster.slugId()])
    assert root.queue.sealTaskGroup(task_group_id)["sealed"]
    assert root.queue.cancelTaskGroup(task_group_id)["taskGroupSize"] == 0

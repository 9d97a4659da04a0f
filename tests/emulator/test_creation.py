"""createTask: what counts as the same definition, in which order it is checked, and what it fails over."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
import taskcluster
from emulator_clients import in_days, refused

MINE = {"schedulerId": "mine", "projectId": "tests"}


@pytest.fixture
def made(root, worker):
    """A task's id, and its whole definition as the queue has it."""
    task_id = worker.create_task(payload={"a": [1, {"b": 2, "c": 3}]}, tags={"x": "1", "y": "2"}, **MINE)
    return task_id, root.queue.task(task_id)


def again(root, made, **changed):
    task_id, definition = made
    return root.queue.createTask(task_id, {**definition, **changed})["status"]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"payload": {"a": [1.0, {"c": 3, "b": 2}]}},
        {"tags": {"y": "2", "x": "1"}},
        {"retries": 5.0},
    ],
    ids=["as it is", "numbers and order of keys", "order of tags", "retries"],
)
def test_the_same_definition_in_other_words_is_the_same_task(root, made, changed):
    assert again(root, made, **changed)["taskId"] == made[0]


def test_defaults_and_the_two_names_of_a_queue_may_be_left_out(root, made):
    task_id, definition = made
    optional = ("taskQueueId", "priority", "retries", "requires", "routes", "scopes", "dependencies", "taskGroupId")
    short = {key: value for key, value in definition.items() if key not in optional}
    assert root.queue.createTask(task_id, short)["status"]["taskId"] == task_id


def test_a_date_is_the_same_in_any_spelling_and_beyond_the_millisecond(root, made):
    created = made[1]["created"].removesuffix("Z")
    for spelling in (f"{created}999Z", f"{created}+00:00", created):
        assert again(root, made, created=spelling)["taskId"] == made[0]


@pytest.mark.parametrize(
    "changed",
    [
        {"payload": {"a": [True, {"b": 2, "c": 3}]}},
        {"payload": {}},
        {"tags": {}},
        {"priority": "low"},
        {"retries": 4},
        {"expires": in_days(9)},
        {"projectId": "another"},
    ],
    ids=" ".join,
)
def test_any_other_difference_is_a_conflict(root, made, changed):
    with refused(409, "RequestConflict") as info:
        again(root, made, **changed)
    assert "already used by another task" in str(info.value)


def test_the_order_of_a_list_counts(root, worker):
    task_id = worker.create_task(routes=["a.b", "c.d"])
    with refused(409, "RequestConflict"):
        again(root, (task_id, root.queue.task(task_id)), routes=["c.d", "a.b"])


def test_after_a_quarter_of_an_hour_even_the_same_definition_is_refused(root, made):
    with root.tc.clock.advanced(minutes=16), refused(400, "InputError") as info:
        again(root, made)
    assert "`created` cannot be in the past" in str(info.value)


def test_past_the_deadline_even_the_same_definition_is_refused(root, worker):
    task_id = worker.create_task(deadline=taskcluster.fromNowJSON("5 minutes"))
    definition = root.queue.task(task_id)
    with root.tc.clock.advanced(minutes=6), refused(400, "InputError") as info:
        again(root, (task_id, definition))
    assert "`deadline` cannot be in the past" in str(info.value)


def test_with_a_changed_priority_the_definition_is_another(root, made, worker):
    task_id, definition = made
    assert root.queue.changeTaskPriority(task_id, {"newPriority": "high"})["status"]["priority"] == "high"
    assert root.queue.task(task_id)["priority"] == "high"
    with refused(409, "RequestConflict"):
        again(root, made)
    assert again(root, (task_id, {**definition, "priority": "high"}))["taskId"] == task_id
    other = worker.create_task(priority="medium")
    claimed = root.queue.claimWork(worker.task_queue_id, {"workerGroup": "g", "workerId": "w", "tasks": 2})["tasks"]
    assert [claim["status"]["taskId"] for claim in claimed] == [task_id, other]


def test_a_priority_cannot_be_changed_to_itself_nor_after_the_end(root, holding, run):
    change = {"newPriority": "lowest"}
    with refused(409, "RequestConflict"):
        root.queue.changeTaskPriority(run.task_id, change)
    with refused(403, "InsufficientScopes"):
        holding("queue:status:*").queue.changeTaskPriority(run.task_id, change)
    queue = root.queue.task(run.task_id)["taskQueueId"]
    holding(f"queue:change-task-priority-in-queue:{queue}").queue.changeTaskPriority(
        run.task_id, {"newPriority": "low"}
    )
    run.complete()
    with refused(409, "RequestConflict"):
        root.queue.changeTaskPriority(run.task_id, change)


def test_checks_come_in_the_order_of_the_queue(root, holding, worker):
    """Each definition has one fault less than the one before."""
    task_id = worker.create_task()
    definition = {**root.queue.task(task_id), "taskGroupId": task_id}
    root.queue.sealTaskGroup(task_id)
    faults = {
        "Schema": ({"retries": 50}, 400, "InputValidationError"),
        "must match": ({"workerType": "other"}, 400, "InputError"),
        "missing the following scopes": ({"projectId": "secret"}, 403, "InsufficientScopes"),
        "`created` cannot": ({"created": in_days(-1)}, 400, "InputError"),
        "`**`": ({"scopes": ["a:**"]}, 400, "InputError"),
        "is sealed": ({}, 409, "RequestConflict"),
        "already used": ({"taskGroupId": taskcluster.slugId(), "tags": {"x": "y"}}, 409, "RequestConflict"),
    }
    queue = definition["taskQueueId"]
    enough = ["queue:create-task:project:none", "queue:scheduler-id:-", f"queue:create-task:lowest:{queue}", "a:*"]
    limited = holding(*enough, client_id="tests/ordered")
    items = list(faults.items())
    for index, (text, (_, status, code)) in enumerate(items):
        together = {key: value for _, (fault, *_) in reversed(items[index:]) for key, value in fault.items()}
        if text != "already used":
            together.pop("taskGroupId", None)
        with refused(status, code) as info:
            limited.queue.createTask(task_id, {**definition, **together})
        assert text in str(info.value)


@pytest.mark.parametrize(
    "changed",
    [
        {"created": taskcluster.fromNowJSON("3 hours"), "deadline": in_days(1)},
        {"created": in_days(0), "deadline": taskcluster.fromNowJSON("-1 minute")},
    ],
    ids=["created in the future", "deadline before created"],
)
def test_dates_that_cannot_be_are_refused(worker, changed):
    with refused(400, "InputError"):
        worker.create_task(**changed)


def test_all_defaults(root, worker):
    task_id = worker.create_task()
    found = root.queue.task(task_id)
    assert {key: found[key] for key in ("projectId", "schedulerId", "priority", "retries", "requires")} == {
        "projectId": "none",
        "schedulerId": "-",
        "priority": "lowest",
        "retries": 5,
        "requires": "all-completed",
    }
    assert [found[key] for key in ("routes", "scopes", "dependencies", "tags", "extra")] == [[], [], [], {}, {}]


@pytest.mark.parametrize("bad", ["a\0b", "half of \ud83d"], ids=["NUL", "lone surrogate"])
def test_the_queue_fails_for_ever_over_text_that_its_database_cannot_hold(root, worker, bad):
    task_id = taskcluster.slugId()
    for payload in ({"a": [bad]}, {bad: 1}):
        with refused(500, "InternalServerError"):
            worker.create_task(task_id, payload=payload)
    with refused(404, "ResourceNotFound"):
        root.queue.status(task_id)


def test_the_queue_fails_over_a_body_of_more_than_10_mib(worker):
    with refused(500, "InternalServerError"):
        worker.create_task(payload={"a": "x" * (10 * 1024 * 1024)})


def test_large_integers_lose_digits(root, worker):
    found = root.queue.task(worker.create_task(payload={"n": 2**53 + 1, "ok": 2**53}))
    assert found["payload"] == {"n": 2**53, "ok": 2**53}


def test_all_faults_of_a_schema_are_named_at_once(worker):
    with refused(400, "InputValidationError") as info:
        worker.create_task(retries=50, priority="urgent", unknown=1)
    assert str(info.value).count("  * data") == 3


def test_an_unknown_queue_is_no_error_and_its_counts_are_a_hint(root, worker, holding):
    queue = "no-such/queue"
    assert worker.create_task(taskQueueId=queue)
    counts = root.queue.taskQueueCounts(queue)
    assert (counts["taskQueueId"], counts["pendingTasks"], counts["claimedTasks"]) == (queue, 1, 0)
    worker.claim(worker.create_task())
    assert root.queue.taskQueueCounts(worker.task_queue_id)["claimedTasks"] == 1
    with refused(403, "InsufficientScopes"):
        holding(f"queue:pending-count:{queue}").queue.taskQueueCounts(queue)


def test_definitions_come_together(root, worker, holding):
    task_ids = sorted(worker.create_task() for _ in range(3))
    found = root.queue.tasks(payload={"taskIds": [*task_ids, task_ids[0], taskcluster.slugId()]})["tasks"]
    assert [entry["taskId"] for entry in found] == task_ids
    assert found[0]["task"] == root.queue.task(task_ids[0])
    with refused(403, "InsufficientScopes"):
        holding(f"queue:get-task:{task_ids[0]}").queue.tasks(payload={"taskIds": task_ids})


def test_what_depends_on_a_task_is_listed(root, worker):
    required = worker.create_task()
    waiting = sorted(worker.create_task(dependencies=[required]) for _ in range(2))
    worker.claim(required).complete()
    listed = root.queue.listDependentTasks(required)
    assert (listed["taskId"], [entry["status"]["taskId"] for entry in listed["tasks"]]) == (required, waiting)
    with refused(404, "ResourceNotFound"):
        root.queue.listDependentTasks(taskcluster.slugId())


def test_the_same_definition_six_times_at_once_makes_one_run(root, worker):
    definition = {**root.queue.task(worker.create_task()), "taskGroupId": taskcluster.slugId()}
    task_id = taskcluster.slugId()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: root.queue.createTask(task_id, definition)["status"], range(6)))
    assert answers == [answers[0]] * 6
    assert len(root.queue.status(task_id)["status"]["runs"]) == 1


def test_owner_and_description_may_be_empty_and_the_owner_need_be_no_address(root, worker):
    metadata = root.queue.task(worker.create_task())["metadata"]
    for changed in ({"owner": "", "description": ""}, {"owner": "the night shift"}):
        task_id = worker.create_task(metadata={**metadata, **changed})
        assert root.queue.task(task_id)["metadata"] == {**metadata, **changed}


def test_a_task_expires_a_year_after_its_deadline(root, worker):
    definition = root.queue.task(worker.create_task())
    del definition["expires"], definition["taskGroupId"]
    task_id = taskcluster.slugId()
    root.queue.createTask(task_id, definition)
    lifetime = datetime.fromisoformat(root.queue.task(task_id)["expires"]) - datetime.fromisoformat(
        definition["deadline"]
    )
    assert lifetime.days == 365


def test_a_fault_of_the_schema_is_named_by_its_path(worker):
    with refused(400, "InputValidationError") as info:
        worker.create_task(retries=50)
    assert "  * data/retries must be <= 49" in str(info.value)


@pytest.mark.parametrize("field", ["routes", "dependencies"])
def test_routes_and_dependencies_are_named_once(worker, field):
    one = worker.create_task()
    worker.create_task(scopes=["a", "a"])
    with refused(400, "InputValidationError") as info:
        worker.create_task(**{field: [one, taskcluster.slugId(), one]})
    assert f"  * data/{field} must NOT have duplicate items (items ## 2 and 0 are identical)" in str(info.value)

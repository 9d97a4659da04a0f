"""The queue's quirks: tasks and runs."""

from __future__ import annotations

import pytest
import taskcluster
from emulator_clients import in_days, pages, refused


def states(status):
    return [run["state"] for run in status["runs"]]


def test_a_task_goes_from_pending_over_running_to_completed(root, worker):
    task_id = worker.create_task()
    assert root.queue.status(task_id)["status"]["state"] == "pending"
    run = worker.claim(task_id)
    assert root.queue.status(task_id)["status"]["state"] == "running"
    assert run.complete()["state"] == "completed"
    assert root.queue.status(task_id)["status"]["runs"][0]["reasonResolved"] == "completed"


def test_a_definition_comes_back_with_its_defaults(root, worker):
    task_id = worker.create_task(tags={"kind": "test"})
    task = root.queue.task(task_id)
    assert (task["taskGroupId"], task["schedulerId"], task["tags"]) == (task_id, "-", {"kind": "test"})
    assert f"{task['provisionerId']}/{task['workerType']}" == task["taskQueueId"] == worker.task_queue_id


def test_creating_the_same_task_again_is_idempotent_and_another_one_a_conflict(root, worker):
    task_id = worker.create_task()
    task = root.queue.task(task_id)
    assert root.queue.createTask(task_id, task)["status"]["taskId"] == task_id
    with refused(409, "RequestConflict"):
        root.queue.createTask(task_id, {**task, "payload": {"other": True}})


@pytest.mark.parametrize(
    "wrong",
    [
        {"deadline": in_days(-1)},
        {"deadline": in_days(6)},
        {"created": in_days(-1)},
        {"expires": in_days(0.5)},
        {"taskQueueId": "a/b", "workerType": "c"},
        {"dependencies": [taskcluster.slugId()]},
    ],
    ids=lambda wrong: "-".join(f"{key}" for key in wrong),
)
def test_a_definition_that_makes_no_sense_is_an_input_error(worker, wrong):
    with refused(400, "InputError"):
        worker.create_task(**wrong)


@pytest.mark.parametrize("wrong", [{"priority": "urgent"}, {"retries": "5"}, {"unknown": 1}], ids=str)
def test_a_definition_that_breaks_the_schema_is_refused(worker, wrong):
    with refused(400, "InputValidationError"):
        worker.create_task(**wrong)


def test_creating_a_task_needs_scopes_for_all_it_names(root, holding, worker):
    task = root.queue.task(worker.create_task(scopes=["secret:x"], priority="low"))
    queue = task["taskQueueId"]
    enough = [
        "queue:create-task:project:none",
        "queue:scheduler-id:-",
        f"queue:create-task:high:{queue}",
        "secret:*",
    ]
    for absent in enough:
        with refused(403, "InsufficientScopes"):
            limited = holding(*(scope for scope in enough if scope != absent))
            limited.queue.createTask(taskcluster.slugId(), task)
    holding(*enough).queue.createTask(taskcluster.slugId(), {**task, "taskGroupId": taskcluster.slugId()})


def test_an_unknown_task_is_not_found(root):
    with refused(404, "ResourceNotFound"):
        root.queue.status(taskcluster.slugId())
    with refused(404, "ResourceNotFound"):
        root.queue.task(taskcluster.slugId())


def test_a_task_id_of_another_form_is_refused(root):
    with refused(400, "InvalidRequestArguments"):
        root.queue.status("not-a-task")


def test_statuses_leaves_out_unknown_ids(root, worker):
    known = [worker.create_task() for _ in range(2)]
    answer = root.queue.statuses({"taskIds": [*known, taskcluster.slugId(), "nonsense"]})
    assert sorted(entry["taskId"] for entry in answer["statuses"]) == sorted(known)
    assert all(entry["status"]["taskId"] == entry["taskId"] for entry in answer["statuses"])


def test_one_missing_status_scope_fails_the_whole_call(holding, worker, anonymous_scopes):
    anonymous_scopes()
    mine, other = worker.create_task(), worker.create_task()
    limited = holding(f"queue:status:{mine}")
    assert len(limited.queue.statuses({"taskIds": [mine]})["statuses"]) == 1
    with refused(403, "InsufficientScopes") as info:
        limited.queue.statuses({"taskIds": [mine, other]})
    assert f"queue:status:{other}" in str(info.value)


def test_statuses_come_in_pages(root, worker):
    task_ids = sorted(worker.create_task() for _ in range(5))
    asked = {"taskIds": task_ids}
    answers = list(pages(lambda query: root.queue.statuses(payload=asked, query=query)))
    assert [len(page["statuses"]) for page in answers] == [2, 2, 1]
    assert [entry["taskId"] for page in answers for entry in page["statuses"]] == task_ids


def test_work_is_claimed_by_priority_then_age(root, worker):
    low, high, later = (worker.create_task(priority=p) for p in ("low", "high", "high"))
    request = {"workerGroup": "g", "workerId": "w", "tasks": 2}
    claimed = root.queue.claimWork(worker.task_queue_id, request)["tasks"]
    assert [claim["status"]["taskId"] for claim in claimed] == [high, later]
    claimed = root.queue.claimWork(worker.task_queue_id, request)["tasks"]
    assert [claim["status"]["taskId"] for claim in claimed] == [low]
    assert root.queue.claimWork(worker.task_queue_id, request)["tasks"] == []


def test_a_run_has_credentials_for_itself_alone(run, worker):
    other = worker.claim(worker.create_task())
    with refused(403, "InsufficientScopes"):
        run.queue.reportCompleted(other.task_id, 0)
    with refused(403, "InsufficientScopes"):
        run.queue.rerunTask(run.task_id)
    assert run.queue.reclaimTask(run.task_id, run.run_id)["runId"] == 0
    assert run.complete()["state"] == "completed"


@pytest.mark.parametrize(("reason", "created"), [("worker-shutdown", "retry"), ("intermittent-task", "task-retry")])
def test_an_automatic_retry_gives_a_new_pending_run(run, reason, created):
    status = run.exception(reason)
    assert states(status) == ["exception", "pending"]
    assert status["state"] == "pending"
    assert status["runs"][1]["reasonCreated"] == created
    assert status["retriesLeft"] == 4


def test_without_retries_left_the_exception_stands(worker):
    run = worker.claim(worker.create_task(retries=0))
    status = run.exception("worker-shutdown")
    assert (status["state"], states(status)) == ("exception", ["exception"])


def test_other_exceptions_are_not_retried(run):
    assert run.exception("malformed-payload")["state"] == "exception"


def test_a_failed_run_fails_the_task(run):
    assert run.fail()["state"] == "failed"


def test_resolving_twice_is_fine_and_resolving_otherwise_a_conflict(run):
    assert run.complete() == run.complete()
    with refused(409, "RequestConflict"):
        run.fail()


def test_a_run_that_nobody_claimed_cannot_be_resolved(root, worker):
    with refused(409, "RequestConflict"):
        root.queue.reportCompleted(worker.create_task(), 0)


def test_a_run_that_is_not_there_is_not_found(root, worker):
    with refused(404, "ResourceNotFound"):
        root.queue.reportCompleted(worker.create_task(), 7)


def test_a_resolved_task_can_be_rerun(root, worker, run):
    run.fail()
    status = root.queue.rerunTask(run.task_id)["status"]
    assert states(status) == ["failed", "pending"]
    assert root.queue.rerunTask(run.task_id)["status"] == status
    assert worker.claim(run.task_id).complete()["state"] == "completed"


def test_a_claim_that_runs_out_is_an_exception_and_retried(root, run):
    with root.tc.clock.advanced(minutes=21):
        status = root.queue.status(run.task_id)["status"]
        assert states(status) == ["exception", "pending"]
        assert status["runs"][0]["reasonResolved"] == "claim-expired"


def test_a_deadline_that_passes_is_an_exception(root, worker):
    task_id = worker.create_task()
    with root.tc.clock.advanced(days=2):
        status = root.queue.status(task_id)["status"]
        assert (status["state"], status["runs"][0]["reasonResolved"]) == ("exception", "deadline-exceeded")


def test_the_status_of_a_task_needs_a_scope_that_anonymous_callers_lack_by_default(anonymous, worker, anonymous_scopes):
    task_id = worker.create_task()
    with refused(403, "InsufficientScopes"):
        anonymous.queue.status(task_id)
    anonymous_scopes("queue:status:*")
    assert anonymous.queue.status(task_id)["status"]["taskId"] == task_id


def test_statuses_takes_thousands_of_ids_and_each_known_one_comes_once(root):
    task_ids = root.tc.bulk.create(1200)
    asked = {"taskIds": [*task_ids, *task_ids, *(taskcluster.slugId() for _ in range(2600))]}
    found = [
        entry["taskId"]
        for page in pages(lambda q: root.queue.statuses(payload=asked, query=q), 1000)
        for entry in page["statuses"]
    ]
    assert sorted(found) == sorted(task_ids)

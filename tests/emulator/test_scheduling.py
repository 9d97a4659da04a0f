"""Scheduling of tasks: dependencies, and calls of their owner."""

from __future__ import annotations

import pytest
import taskcluster
from emulator_clients import Clients, in_days, refused

from airflow_provider_taskcluster.emulator import Emulator, Settings
from airflow_provider_taskcluster.emulator.worker import Worker

ENDINGS = {"completed": "complete", "failed": "fail", "exception": "exception"}


def state(root, task_id):
    return root.queue.status(task_id)["status"]["state"]


def resolve(worker, task_id, ending):
    return getattr(worker.claim(task_id), ENDINGS[ending])()


def test_a_task_without_dependencies_is_pending_at_once(root, worker):
    assert state(root, worker.create_task()) == "pending"


def test_a_task_waits_until_all_it_depends_on_are_completed(root, worker):
    first, second = worker.create_task(), worker.create_task()
    waiting = worker.create_task(dependencies=[first, second])
    status = root.queue.status(waiting)["status"]
    assert (status["state"], status["runs"]) == ("unscheduled", [])
    resolve(worker, first, "completed")
    assert state(root, waiting) == "unscheduled"
    resolve(worker, second, "completed")
    assert state(root, waiting) == "pending"
    assert root.queue.status(waiting)["status"]["runs"][0]["reasonCreated"] == "scheduled"
    assert worker.claim(waiting).complete()["state"] == "completed"


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("requires", ["all-completed", "all-resolved"])
def test_what_counts_is_said_by_requires(root, worker, requires, ending):
    required = worker.create_task()
    waiting = worker.create_task(dependencies=[required], requires=requires)
    resolve(worker, required, ending)
    met = ending == "completed" or requires == "all-resolved"
    assert state(root, waiting) == ("pending" if met else "unscheduled")
    late = worker.create_task(dependencies=[required], requires=requires)
    assert state(root, late) == ("pending" if met else "unscheduled")


def test_an_automatic_retry_is_not_the_end_that_others_wait_for(root, worker):
    required = worker.create_task()
    waiting = worker.create_task(dependencies=[required], requires="all-resolved")
    worker.claim(required).exception("worker-shutdown")
    assert state(root, waiting) == "unscheduled"
    resolve(worker, required, "failed")
    assert state(root, waiting) == "pending"


def test_a_rerun_that_completes_releases_what_waits(root, worker):
    required = worker.create_task()
    waiting = worker.create_task(dependencies=[required])
    resolve(worker, required, "failed")
    root.queue.rerunTask(required)
    resolve(worker, required, "completed")
    assert state(root, waiting) == "pending"


def test_what_is_met_stays_met_through_a_rerun(root, worker):
    first, second = worker.create_task(), worker.create_task()
    waiting = worker.create_task(dependencies=[first, second])
    resolve(worker, first, "completed")
    root.queue.rerunTask(first)
    resolve(worker, second, "completed")
    assert state(root, waiting) == "pending"


def test_a_chain_is_released_link_by_link(root, worker):
    chain = [worker.create_task()]
    for _ in range(3):
        chain.append(worker.create_task(dependencies=[chain[-1]]))
    for done, task_id in enumerate(chain):
        assert [state(root, other) for other in chain[done:]] == ["pending", *["unscheduled"] * (3 - done)]
        resolve(worker, task_id, "completed")


def test_a_deadline_that_passes_releases_what_waits_for_any_end(root, worker):
    required = worker.create_task(deadline=in_days(1))
    waiting = worker.create_task(dependencies=[required], requires="all-resolved", deadline=in_days(3))
    with root.tc.clock.advanced(days=2):
        assert state(root, waiting) == "pending"
        (run,) = root.queue.status(required)["status"]["runs"]
        assert root.queue.status(waiting)["status"]["runs"][0]["scheduled"] == run["resolved"]


@pytest.mark.parametrize("waiting_days", [0.5, 1, 1.5], ids=["before", "together", "after"])
def test_a_task_that_never_was_scheduled_dies_by_its_deadline(root, worker, waiting_days):
    required = worker.create_task(deadline=in_days(1))
    waiting = worker.create_task(dependencies=[required], deadline=in_days(waiting_days))
    with root.tc.clock.advanced(days=2):
        (run,) = root.queue.status(waiting)["status"]["runs"]
        assert (run["state"], run["reasonCreated"], run["reasonResolved"]) == (
            "exception",
            "exception",
            "deadline-exceeded",
        )


def test_a_whole_chain_of_overdue_tasks_is_settled_in_one_look(root, worker):
    deadline = in_days(1)
    chain = [worker.create_task(deadline=deadline)]
    for _ in range(60):
        chain.append(worker.create_task(dependencies=[chain[-1]], requires="all-resolved", deadline=deadline))
    with root.tc.clock.advanced(days=2):
        assert state(root, chain[-1]) == "exception"


def test_dependencies_must_be_there_before(root, worker):
    task_id = taskcluster.slugId()
    with refused(400, "InputError") as info:
        worker.create_task(dependencies=[task_id])
    assert task_id in str(info.value)


def test_dependencies_must_not_expire_before_the_deadline(worker):
    required = worker.create_task(expires=in_days(2))
    with refused(400, "InputError") as info:
        worker.create_task(dependencies=[required], deadline=in_days(3))
    assert required in str(info.value)


def test_a_refused_task_leaves_its_group_behind(root, worker):
    task_group_id = taskcluster.slugId()
    with refused(400, "InputError"):
        worker.create_task(dependencies=[taskcluster.slugId()], taskGroupId=task_group_id)
    assert root.queue.listTaskGroup(task_group_id)["tasks"] == []


def test_a_task_that_waits_for_itself_runs_when_it_is_told_to(root, worker):
    definition = root.queue.task(worker.create_task())
    task_id = taskcluster.slugId()
    created = {**definition, "taskGroupId": task_id, "dependencies": [task_id]}
    assert root.queue.createTask(task_id, created)["status"]["state"] == "unscheduled"
    assert root.queue.scheduleTask(task_id)["status"]["state"] == "pending"
    assert worker.claim(task_id).complete()["state"] == "completed"


@pytest.mark.parametrize(("call", "reason"), [("scheduleTask", "scheduled"), ("rerunTask", "rerun")])
def test_an_owner_can_have_a_task_run_whatever_it_waits_for(root, worker, call, reason):
    waiting = worker.create_task(dependencies=[worker.create_task()])
    status = getattr(root.queue, call)(waiting)["status"]
    assert (status["state"], status["runs"][0]["reasonCreated"]) == ("pending", reason)
    assert getattr(root.queue, call)(waiting)["status"] == status


def test_scheduling_a_resolved_task_changes_nothing(root, run):
    status = run.complete()
    assert root.queue.scheduleTask(run.task_id)["status"] == status


@pytest.mark.parametrize("before", ["unscheduled", "pending", "running"])
def test_a_canceled_task_is_an_exception_and_not_retried(root, worker, before):
    dependencies = [worker.create_task()] if before == "unscheduled" else []
    task_id = worker.create_task(dependencies=dependencies)
    waiting = worker.create_task(dependencies=[task_id], requires="all-resolved")
    if before == "running":
        worker.claim(task_id)
    status = root.queue.cancelTask(task_id)["status"]
    (run,) = status["runs"]
    assert (status["state"], run["state"], run["reasonResolved"]) == ("exception", "exception", "canceled")
    assert run["reasonCreated"] == ("exception" if before == "unscheduled" else "scheduled")
    assert root.queue.cancelTask(task_id)["status"] == status
    assert state(root, waiting) == "pending"
    assert root.queue.rerunTask(task_id)["status"]["state"] == "pending"


def test_canceling_a_resolved_task_changes_nothing(root, run):
    status = run.complete()
    assert root.queue.cancelTask(run.task_id)["status"] == status


@pytest.mark.parametrize("call", ["scheduleTask", "rerunTask", "cancelTask"])
def test_past_its_deadline_a_task_is_what_it_is(root, worker, call):
    task_id = worker.create_task()
    with root.tc.clock.advanced(days=2), refused(409, "RequestConflict"):
        getattr(root.queue, call)(task_id)


@pytest.mark.parametrize("verb", ["schedule", "rerun", "cancel"])
def test_an_owner_needs_a_scope_for_the_task_or_its_project(holding, anonymous, worker, verb):
    task_id = worker.create_task(projectId="mine")
    with refused(403, "InsufficientScopes"):
        getattr(anonymous.queue, f"{verb}Task")(task_id)
    for scope in (f"queue:{verb}-task:-/{task_id}/{task_id}", f"queue:{verb}-task-in-project:mine"):
        assert getattr(holding(scope).queue, f"{verb}Task")(task_id)["status"]["taskId"] == task_id


@pytest.mark.parametrize("verb", ["schedule", "rerun", "cancel"])
def test_the_old_way_takes_two_scopes(holding, worker, verb):
    task_id = worker.create_task()
    old = [f"queue:{verb}-task", f"assume:scheduler-id:-/{task_id}"]
    for one in old:
        with refused(403, "InsufficientScopes"):
            getattr(holding(one).queue, f"{verb}Task")(task_id)
    assert getattr(holding(*old).queue, f"{verb}Task")(task_id)["status"]["taskId"] == task_id


def test_a_task_has_fifty_runs_at_most(root, worker):
    task_id = worker.create_task()
    for _ in range(49):
        root.queue.cancelTask(task_id)
        root.queue.rerunTask(task_id)
    root.queue.cancelTask(task_id)
    with refused(409, "RequestConflict"):
        root.queue.rerunTask(task_id)


def test_between_its_deadline_and_its_end_a_task_shows_what_it_was(root, worker):
    """The queue looks for overdue tasks once a minute; meanwhile a worker can still report, and nobody can claim."""
    deadline = taskcluster.fromNowJSON("1 hour")
    runs = [worker.claim(worker.create_task(deadline=deadline)) for _ in range(2)]
    waiting = worker.create_task(deadline=deadline)
    for run in runs:
        with root.tc.clock.advanced(minutes=19):
            run.queue.reclaimTask(run.task_id, 0)
    with root.tc.clock.advanced(minutes=38):
        for run in runs:
            root.queue.reclaimTask(run.task_id, 0)
    with root.tc.clock.advanced(minutes=57):
        for run in runs:
            root.queue.reclaimTask(run.task_id, 0)
    with root.tc.clock.advanced(minutes=60, seconds=5):
        assert [state(root, task_id) for task_id in (runs[0].task_id, waiting)] == ["running", "pending"]
        request = {"workerGroup": "g", "workerId": "w", "tasks": 1}
        assert root.queue.claimWork(worker.task_queue_id, request)["tasks"] == []
        for refused_call in (root.queue.cancelTask, lambda task_id: root.queue.reclaimTask(task_id, 0)):
            with refused(409, "RequestConflict"):
                refused_call(runs[0].task_id)
        assert root.queue.reportCompleted(runs[1].task_id, 0)["status"]["state"] == "completed"
    with root.tc.clock.advanced(minutes=61, seconds=5):
        assert [state(root, run.task_id) for run in runs] == ["exception", "completed"]
        assert state(root, waiting) == "exception"


@pytest.mark.parametrize("call", ["scheduleTask", "rerunTask", "cancelTask"])
def test_what_is_not_there_cannot_be_moved(root, call):
    with refused(404, "ResourceNotFound"):
        getattr(root.queue, call)(taskcluster.slugId())


def test_a_task_is_released_after_the_seconds_that_are_set():
    with Emulator(settings=Settings(release_seconds=3600)) as tc:
        clients = Clients(tc, {"clientId": tc.client_id, "accessToken": tc.access_token})
        worker = Worker(tc.root_url, clients.credentials)
        required = worker.create_task()
        waiting = worker.create_task(dependencies=[required])
        late = worker.create_task(dependencies=[required], deadline=taskcluster.fromNowJSON("30 minutes"))
        worker.claim(required).complete()
        after = worker.create_task(dependencies=[required])
        assert [state(clients, task_id) for task_id in (waiting, after)] == ["unscheduled", "pending"]
        with tc.clock.advanced(minutes=61, seconds=10):
            assert [state(clients, task_id) for task_id in (waiting, late)] == ["pending", "exception"]
            (run,) = clients.queue.status(late)["status"]["runs"]
            assert (run["reasonCreated"], run["reasonResolved"]) == ("exception", "deadline-exceeded")
            assert worker.claim(waiting).complete()["state"] == "completed"
    assert Settings().release_seconds == 0


def test_a_task_that_depends_on_one_that_failed_is_unscheduled_until_its_deadline(root, worker):
    required = worker.create_task()
    waiting = worker.create_task(dependencies=[required])
    resolve(worker, required, "failed")
    with root.tc.clock.advanced(hours=20):
        assert root.queue.status(waiting)["status"]["runs"] == []
    with root.tc.clock.advanced(hours=25):
        (run,) = root.queue.status(waiting)["status"]["runs"]
        assert (run["reasonCreated"], run["reasonResolved"]) == ("exception", "deadline-exceeded")


@pytest.mark.parametrize("reason", ["malformed-payload", "resource-unavailable", "internal-error"])
def test_an_exception_of_these_reasons_is_not_retried(worker, reason):
    status = worker.claim(worker.create_task()).exception(reason)
    assert (status["state"], len(status["runs"]), status["retriesLeft"]) == ("exception", 1, 5)


def test_a_rerun_gives_the_retries_back(root, worker):
    run = worker.claim(worker.create_task(retries=1))
    assert run.exception("intermittent-task")["retriesLeft"] == 0
    worker.claim(run.task_id).fail()
    status = root.queue.rerunTask(run.task_id)["status"]
    assert (status["retriesLeft"], status["runs"][-1]["reasonCreated"]) == (1, "rerun")


@pytest.mark.parametrize("before", ["pending", "running"])
def test_a_rerun_of_a_task_that_is_not_resolved_changes_nothing(root, worker, before):
    task_id = worker.create_task()
    if before == "running":
        worker.claim(task_id)
    status = root.queue.status(task_id)["status"]
    assert root.queue.rerunTask(task_id)["status"] == status


def test_a_priority_can_be_changed_just_after_a_cancel_and_not_later(root, worker):
    task_id = worker.create_task()
    root.queue.cancelTask(task_id)
    assert root.queue.changeTaskPriority(task_id, {"newPriority": "low"})["status"]["priority"] == "low"
    with root.tc.clock.advanced(seconds=10), refused(409, "RequestConflict"):
        root.queue.changeTaskPriority(task_id, {"newPriority": "high"})


def test_past_the_deadline_a_priority_stays(root, worker):
    task_id = worker.create_task()
    with root.tc.clock.advanced(hours=24, seconds=10):
        assert state(root, task_id) == "pending"
        with refused(409, "RequestConflict"):
            root.queue.changeTaskPriority(task_id, {"newPriority": "high"})


def test_the_same_definition_after_a_cancel_is_answered_with_the_exception(root, worker):
    task_id = worker.create_task()
    root.queue.cancelTask(task_id)
    status = root.queue.createTask(task_id, root.queue.task(task_id))["status"]
    assert (status["state"], len(status["runs"])) == ("exception", 1)


def test_without_scopes_an_unknown_task_is_refused_to_readers_and_not_found_to_owners(holding):
    nobody, task_id = holding(client_id="tests/nobody").queue, taskcluster.slugId()
    for call in (nobody.status, nobody.task):
        with refused(403, "InsufficientScopes"):
            call(task_id)
    for call in (nobody.cancelTask, nobody.rerunTask, nobody.scheduleTask):
        with refused(404, "ResourceNotFound"):
            call(task_id)

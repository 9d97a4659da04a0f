"""``TaskclusterRunTaskGroupOperator`` as Airflow calls it, against a queue whose worker is simulated."""

from __future__ import annotations

import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow_tries import StateStore, TaskInstance, claimed_run, connect_temporarily
from operator_of_a_group import RUN, operator, start

from airflow_provider_taskcluster.emulator.store.faults import Overtaken, Reset, Status
from airflow_provider_taskcluster.emulator.store.faults.replies import scripted_error
from airflow_provider_taskcluster.emulator.worker.simulated import Run
from airflow_provider_taskcluster.exceptions import Interrupted, ServiceError, TaskNotCompleted

__all__ = ["operator"]

CREATE = "/v1/task/"


pytestmark = pytest.mark.usefixtures("own_dag_run")


@pytest.fixture
def playing(worker):
    """Play the worker in a thread: each task is ended by the function of its label, the n-th run by the n-th one."""
    over, threads, seen = threading.Event(), [], []

    def play(**ends):
        left = {label: list(of) if isinstance(of, list) else [of] for label, of in ends.items()}

        def work():
            while not over.wait(0.02):
                request = {"workerGroup": "emulator", "workerId": "played", "tasks": 32}
                for claim in worker.queue.claimWork(worker.task_queue_id, request)["tasks"]:
                    label = claim["task"]["tags"]["label"]
                    seen.append(label)
                    end = left[label].pop(0) if left.get(label) else Run.complete
                    end(claimed_run(worker, claim))

        threads.append(threading.Thread(target=work))
        threads[-1].start()
        return seen

    yield play
    over.set()
    for thread in threads:
        thread.join()


def stay(run):
    """Neither end nor go on."""


def exception(reason):
    return lambda run: run.exception(reason)


def labels(worker, task_ids):
    return [worker.queue.task(task_id)["tags"]["label"] for task_id in task_ids]


def news(caplog):
    return [
        record.getMessage() for record in caplog.records if "worker_wait" in record.name and ": run " in record.message
    ]


class TestEnds:
    def test_a_graph_is_created_in_order_sealed_and_followed(
        self, operator, instance, playing, created_tasks, worker, hook, tc, caplog
    ):
        caplog.set_level(logging.INFO)
        playing()
        result = operator().execute(instance.context)
        assert list(result) == ["build", "test", "deploy"]
        assert labels(worker, created_tasks()) == list(result)
        assert result["test"] == {
            "task_id": created_tasks()[1],
            "state": "completed",
            "run_id": 0,
            "reason_resolved": "completed",
        }
        assert json.loads(json.dumps(result)) == result
        group_id = instance.xcom["taskcluster_group"]["task_group_id"]
        assert hook.task_group(group_id)["sealed"]
        assert worker.queue.task(created_tasks()[2])["dependencies"] == [created_tasks()[1], created_tasks()[0]]
        assert instance.xcom["taskcluster_task_group_link"] == f"{tc.root_url}/tasks/groups/{group_id}"
        lines = [line.partition(": run 0 is completed (completed), its log: ")[0] for line in news(caplog)]
        assert lines == [f"Task {label!r} ({result[label]['task_id']})" for label in result]

    def test_a_failure_fails_at_once_with_its_link_and_says_who_is_blocked(
        self, operator, instance, playing, created_tasks, tc, caplog
    ):
        caplog.set_level(logging.INFO)
        playing(build=Run.fail)
        with pytest.raises(AirflowFailException) as caught:
            operator().execute(instance.context)
        build, group_id = created_tasks()[0], instance.xcom["taskcluster_group"]["task_group_id"]
        message = str(caught.value)
        assert f"3 of 3 tasks of group {tc.root_url}/tasks/groups/{group_id} did not complete" in message
        assert f"Task 'build' ({build}): run 0 is failed (failed), its log: {tc.root_url}/tasks/{build}/" in message
        assert "tasks that are blocked and will not run: 2" in message
        assert len(news(caplog)) == 1

    def test_others_go_on_after_a_failure_and_may_be_waited_for(self, operator, instance, playing, worker, caplog):
        caplog.set_level(logging.INFO)
        release = threading.Event()

        def slow(run):
            threading.Thread(target=lambda: (release.wait(20), run.complete())).start()

        tasks = {"bad": RUN, "slow": RUN, "after": {**RUN, "dependencies": ["slow"]}}
        playing(bad=Run.fail, slow=slow)
        with pytest.raises(AirflowFailException, match="1 of 3 tasks"):
            operator(tasks).execute(instance.context)
        threading.Timer(0.5, release.set).start()
        with pytest.raises(AirflowFailException, match="1 of 3 tasks"):
            operator(tasks, fail_fast=False).execute(instance.context)
        assert worker.queue.status(instance.xcom["taskcluster_group"]["task_ids"]["after"])["status"]["state"] == (
            "completed"
        )
        assert len([line for line in news(caplog) if "'after'" in line]) == 1

    def test_a_dependency_outside_of_the_graph_blocks(self, operator, instance, worker):
        failed = worker.create_task()
        worker.claim(failed).fail()
        tasks = {"first": {**RUN, "dependencies": [failed]}, "second": {**RUN, "dependencies": ["first"]}}
        with pytest.raises(
            AirflowFailException, match=rf"Task 'first' \(.*\) will not run: it is blocked by .*{failed}"
        ):
            operator(tasks, fail_fast=False).execute(instance.context)

    def test_many_failures_are_counted(self, operator, instance, playing):
        tasks = {f"t{number}": RUN for number in range(8)}
        playing(**dict.fromkeys(tasks, Run.fail))
        with pytest.raises(AirflowFailException, match=r"8 of 8 tasks.*; 3 more"):
            operator(tasks, fail_fast=False).execute(instance.context)

    def test_a_rerun_by_somebody_after_the_end_changes_nothing(self, operator, instance, playing, worker):
        playing(build=[Run.complete, lambda _: None])  # the second run does not end
        first = operator().execute(instance.context)
        worker.queue.rerunTask(first["build"]["task_id"])
        task = operator()
        task.recall(instance.context)
        assert task.finish(instance.context) == first


class TestRetries:
    def test_a_retry_takes_up_the_group(self, operator, instance, playing, created_tasks):
        group = start(operator(), instance)
        playing()
        result = operator().execute(instance.context)
        assert {label: one["task_id"] for label, one in result.items()} == group.task_ids
        assert operator().execute(TaskInstance().context) == result
        assert sorted(created_tasks()) == sorted(group.task_ids.values())

    @pytest.mark.parametrize("nth", [1, 2, 3])
    @pytest.mark.parametrize(
        "fault", [Reset(0), Overtaken(500, "InternalServerError"), Overtaken(409, "RequestConflict")], ids=repr
    )
    def test_a_lost_answer_makes_no_second_task(self, operator, instance, tc, worker, created_tasks, fault, nth):
        tc.api_faults.add(fault, method="PUT", path=CREATE, nth=nth)
        group = start(operator(), instance)
        assert all(worker.queue.status(task_id)["status"] for task_id in group.task_ids.values())
        listed = worker.queue.listTaskGroup(group.task_group_id)["tasks"]
        assert len(listed) == 3

    @pytest.mark.parametrize("made", [0, 1, 2, 3])
    def test_a_retry_after_a_death_creates_what_is_missing(
        self, operator, instance, worker, created_tasks, made, monkeypatch
    ):
        first = operator()
        calls = iter(range(made))

        def until_dead(hook, task_id, definition):
            if next(calls, None) is None:
                raise KeyboardInterrupt
            return type(first.hook).create_task(first.hook, task_id, definition)

        def no_seal(_):
            raise KeyboardInterrupt

        monkeypatch.setattr(first.hook, "create_task", lambda *given: until_dead(first.hook, *given))
        monkeypatch.setattr(first.hook, "seal_task_group", no_seal)
        with pytest.raises(KeyboardInterrupt):
            start(first, instance)
        assert len(created_tasks()) == made
        group = start(operator(), instance)
        assert sorted(created_tasks()) == sorted(group.task_ids.values())
        assert len(worker.queue.listTaskGroup(group.task_group_id)["tasks"]) == 3

    def test_two_tries_at_once_make_one_group(self, operator, worker):
        tasks = {
            f"t{number}": {**RUN, "dependencies": [f"t{number - 1}"] if number % 5 else []} for number in range(40)
        }
        with ThreadPoolExecutor(4) as threads:
            groups = list(threads.map(lambda _: start(operator(tasks), TaskInstance()), range(4)))
        assert all(group == groups[0] for group in groups)
        assert len(worker.queue.listTaskGroup(groups[0].task_group_id)["tasks"]) == 40

    def test_a_clear_makes_a_new_group(self, operator, created_tasks):
        first = start(operator(retries=2), TaskInstance(max_tries=2))
        again = start(operator(retries=2), TaskInstance(max_tries=2 + 1))
        assert first.task_group_id != again.task_group_id
        assert len(created_tasks()) == 6

    def test_after_a_fault_of_the_infrastructure_the_next_try_reruns_that_task_alone(
        self, operator, instance, playing, created_tasks
    ):
        seen = playing(build=[exception("internal-error")])
        with pytest.raises(TaskNotCompleted, match="the next try of this Airflow task starts a new attempt") as caught:
            operator().execute(instance.context)
        assert caught.value.transient
        result = operator().execute(instance.context)
        assert (result["build"]["run_id"], result["deploy"]["run_id"]) == (1, 0)
        assert seen == ["build", "build", "test", "deploy"]
        assert len(created_tasks()) == 3

    def test_a_failure_is_retried_only_if_asked_for_and_only_if_all_are(self, operator, instance, playing):
        tasks = {"a": RUN, "b": RUN}
        playing(a=[Run.fail], b=[exception("malformed-payload")])
        with pytest.raises(AirflowFailException):
            operator(tasks, retry_on="failed", fail_fast=False).execute(instance.context)

    def test_a_group_whose_task_cannot_be_rerun_is_replaced(
        self, operator, instance, playing, created_tasks, caplog, tc
    ):
        playing(build=[exception("internal-error")])
        with pytest.raises(TaskNotCompleted):
            operator().execute(instance.context)
        tc.api_faults.add(scripted_error(409, "RequestConflict"), method="POST", path="/rerun")
        result = operator().execute(instance.context)
        assert sorted(created_tasks()[3:]) == sorted(one["task_id"] for one in result.values())
        assert "cannot be rerun" in caplog.text

    def test_a_task_that_the_queue_refuses_is_an_error(self, operator, instance, created_tasks, tc):
        tc.api_faults.add(Status(400), method="PUT", path=CREATE)
        with pytest.raises(ServiceError, match="createTask"):
            start(operator(), instance)
        assert created_tasks() == []

    @pytest.mark.parametrize(("on_kill", "end"), [("cancel", "canceled"), ("leave", None)])
    def test_a_group_that_was_sealed_too_early_is_replaced(self, operator, instance, hook, caplog, on_kill, end):
        group = start(operator({"build": RUN}), instance)
        again = start(operator(on_kill=on_kill), instance)
        assert group.task_group_id != again.task_group_id
        assert set(hook.task_statuses(again.task_ids.values())) == set(again.task_ids.values())
        assert f"Another group replaces task group {group.task_group_id!r}: it is sealed" in caplog.text
        assert hook.task_status(group.task_ids["build"])["runs"][-1].get("reasonResolved") == end

    def test_a_try_that_is_killed_cancels_and_the_next_one_makes_a_new_group(
        self, operator, instance, playing, created_tasks, hook
    ):
        killed = operator(poll_interval=30)
        kill = threading.Timer(0.7, killed.on_kill)
        kill.start()
        begun = time.monotonic()
        with pytest.raises(Interrupted) as caught:
            killed.execute(instance.context)
        kill.join()
        assert caught.value.transient
        assert time.monotonic() - begun < 10
        for task_id in created_tasks():
            assert hook.task_status(task_id)["runs"][-1]["reasonResolved"] == "canceled"
        playing()
        result = operator().execute(instance.context)
        assert sorted(created_tasks()[3:]) == sorted(one["task_id"] for one in result.values())

    def test_a_kill_while_tasks_are_created_leaves_none(self, operator, instance, worker, hook, monkeypatch):
        killed = operator({f"t{number}": RUN for number in range(60)})
        create, made = killed.hook.create_task, []

        def counted(task_id, definition):
            made.append(task_id)
            if len(made) == 20:
                killed.on_kill()
            return create(task_id, definition)

        monkeypatch.setattr(killed.hook, "create_task", counted)
        with pytest.raises(Interrupted):
            killed.execute(instance.context)
        statuses = hook.task_statuses(made)
        assert len(made) < 60
        assert {status["state"] for status in statuses.values()} == {"exception"}

    def test_a_kill_may_leave_the_group(self, operator, instance, hook):
        one = operator(on_kill="leave")
        group = start(one, instance)
        one.on_kill()
        assert hook.task_status(group.task_ids["build"])["state"] == "pending"
        assert start(operator(on_kill="leave"), instance) == group

    @pytest.mark.parametrize(("try_number", "error"), [(1, AirflowFailException), (2, TaskNotCompleted)])
    def test_a_cancel_by_an_earlier_try_that_comes_back_is_retried(self, operator, instance, try_number, error):
        lost, second = operator(), TaskInstance(try_number=try_number)
        start(lost, instance)

        def come_back():
            while "taskcluster_group" not in second.xcom:
                time.sleep(0.01)
            lost.on_kill()

        thread = threading.Thread(target=come_back)
        thread.start()
        with pytest.raises(error, match="canceled"):
            operator().execute(second.context)
        thread.join()

    def test_a_task_that_somebody_canceled_is_a_failure(self, operator, instance, hook):
        group = start(operator(on_kill="leave"), instance)
        hook.cancel_task(group.task_ids["test"])
        with pytest.raises(AirflowFailException, match=r"run 0 is exception \(canceled\)"):
            operator(on_kill="leave").execute(instance.context)

    def test_without_a_lasting_key_the_state_store_keeps_one(self, operator, connect, tc):
        connect_temporarily(connect, tc)
        store = StateStore()
        groups = [start(operator(conn_id="tc_temporary"), TaskInstance(store=store)) for _ in range(2)]
        assert groups[0] == groups[1]

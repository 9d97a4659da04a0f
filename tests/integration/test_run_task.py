"""``TaskclusterRunTaskOperator`` as Airflow calls it, against a queue whose worker is simulated."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow_tries import TaskInstance, claimed_run, execute_in_thread
from operator_of_a_task import operator, started

from airflow_provider_taskcluster.emulator.store.faults import Overtaken, Reset, Status
from airflow_provider_taskcluster.emulator.store.faults.replies import scripted_error
from airflow_provider_taskcluster.exceptions import Interrupted, TaskNotCompleted
from airflow_provider_taskcluster.operators.task_output import TaskOutput

__all__ = ["operator"]

CREATE = "/v1/task/"


pytestmark = pytest.mark.usefixtures("own_dag_run")


@pytest.fixture(autouse=True)
def _shown_at_info(caplog):
    caplog.set_level("INFO")


@pytest.fixture
def playing(worker, tc):
    """Play the worker in a thread: each task of the queue is claimed and given to the next function of a list."""
    threads = []
    over = threading.Event()

    def play(*ends):
        def work():
            for end in ends:
                while not over.wait(0.02):
                    request = {"workerGroup": "emulator", "workerId": "played", "tasks": 1}
                    claims = worker.queue.claimWork(worker.task_queue_id, request)["tasks"]
                    if claims:
                        end(claimed_run(worker, claims[0]))
                        break

        threads.append(threading.Thread(target=work))
        threads[-1].start()

    yield play
    over.set()
    for thread in threads:
        thread.join()


def complete(run):
    run.complete()


def fail(run):
    run.fail()


def exception(reason):
    """End as an exception, with a log: one that is missing may still come."""

    def end(run):
        run.add("public/logs/live_backing.log", b"the log\n")
        run.exception(reason)

    return end


class TestEnds:
    def test_a_task_that_completes_is_the_result(self, operator, instance, playing):
        def publish(run):
            run.add("public/a.txt", b"a")
            run.complete()

        playing(publish)
        result = operator().execute(instance.context)
        assert result == {
            "task_id": result["task_id"],
            "run_id": 0,
            "state": "completed",
            "reason_resolved": "completed",
            "started": result["started"],
            "resolved": result["resolved"],
            "worker": "emulator/played",
            "artifact_count": 1,
            "artifacts": ["public/a.txt"],
        }
        assert result["started"] < result["resolved"]
        assert json.loads(json.dumps(result)) == result
        assert instance.xcom["taskcluster_task_link"].endswith(f"/tasks/{result['task_id']}")

    def test_a_task_that_fails_fails_at_once_with_the_reason_and_the_log(self, operator, instance, playing, tc):
        playing(fail)
        with pytest.raises(AirflowFailException) as caught:
            operator().execute(instance.context)
        assert "run 0 is failed (failed), its log: " + tc.root_url in str(caught.value)

    def test_a_log_that_cannot_be_read_leaves_the_reason(self, operator, instance, playing, tc, caplog):
        tc.api_faults.add(Status(403), path="artifact", times=1000)
        playing(fail)
        with pytest.raises(AirflowFailException, match=r"run 0 is failed \(failed\)"):
            operator(log="tail").execute(instance.context)
        assert "cannot be shown: " in caplog.text

    def test_a_kill_ends_the_reading_of_the_log(self, hook, run):
        hook.stop()
        with pytest.raises(Interrupted):
            TaskOutput(hook, run.task_id).tail(0, 10)

    def test_the_queues_own_retries_are_waited_through(self, operator, instance, playing, created_tasks):
        playing(exception("worker-shutdown"), exception("intermittent-task"), complete)
        assert operator().execute(instance.context)["run_id"] == 2
        assert len(created_tasks()) == 1

    @pytest.mark.parametrize("log", ["live", "none"])
    def test_a_task_that_is_blocked_fails_at_once(self, operator, instance, worker, caplog, log):
        failed = worker.create_task()
        worker.claim(failed).fail()
        with pytest.raises(AirflowFailException, match=f"unscheduled and will not run: it is blocked by task {failed}"):
            operator(dependencies=[failed], log=log).execute(instance.context)
        assert "cannot be shown" not in caplog.text

    def test_a_dependency_or_route_that_is_named_twice_counts_once(self, operator, instance, worker, hook):
        first = worker.create_task()
        one = operator(dependencies=[first, first], routes=["a", "b", "a"])
        definition = hook.task_definition(started(one, instance))
        assert (definition["dependencies"], definition["routes"]) == ([first], ["a", "b"])

    @pytest.mark.parametrize("log", ["live", "none"])
    def test_while_a_task_is_unscheduled_its_definition_is_read_once(self, operator, instance, worker, tc, log):
        (running,) = tc.bulk.create(1, state="running")
        timer = threading.Timer(1.0, lambda: tc.bulk.resolve([running], "failed"))
        timer.start()
        with pytest.raises(AirflowFailException, match=f"it is blocked by task {running}"):
            operator(dependencies=[running], log=log).execute(instance.context)
        timer.join()
        counted = Counter(entry.path.partition("/v1/")[2] for entry in tc.journal.entries(method="GET"))
        task_id = instance.xcom["taskcluster_run"]["task_id"]
        assert counted[f"task/{task_id}/status"] > 5
        assert counted[f"task/{task_id}"] == 1

    @pytest.mark.parametrize("log", ["none", "live"])
    def test_a_rerun_by_somebody_does_not_change_the_result(self, operator, instance, playing, worker, tc, caplog, log):
        def complete_and_rerun(run):
            time.sleep(0.3)  # the log is followed by then
            tc.api_faults.add(Reset(0), path=f"/task/{run.task_id}/status", times=10_000)
            run.complete()
            worker.queue.rerunTask(run.task_id)
            tc.api_faults.clear()

        playing(complete_and_rerun)
        result = operator(log=log).execute(instance.context)
        assert (result["run_id"], result["state"]) == (0, "completed")
        assert f"Task {result['task_id']!r} was rerun by somebody; run 0 was followed" in caplog.text

    def test_a_service_that_is_away_for_a_while_is_waited_for(self, operator, instance, playing, tc, no_waiting):
        task_id = started(operator(), instance)
        tc.api_faults.add(Reset(0), path=f"/task/{task_id}/status", nth=3, times=40)
        playing(lambda run: (time.sleep(0.3), run.complete()))
        assert operator().execute(instance.context)["state"] == "completed"


class TestRetries:
    def test_a_retry_takes_up_the_task_and_creates_no_second_one(
        self, operator, instance, playing, created_tasks, caplog
    ):
        task_id = started(operator(), instance)
        playing(complete)
        assert operator().execute(instance.context)["task_id"] == task_id
        assert operator().execute(TaskInstance().context)["task_id"] == task_id  # it has completed
        assert created_tasks() == [task_id]
        assert f"Taking up task {task_id!r} of an earlier try, which is pending" in caplog.text

    @pytest.mark.parametrize(
        "fault", [Reset(0), Overtaken(500, "InternalServerError"), Overtaken(409, "RequestConflict")], ids=repr
    )
    def test_an_answer_of_createtask_that_is_lost_makes_no_second_task(self, operator, instance, tc, worker, fault):
        tc.api_faults.add(fault, method="PUT", path=CREATE)
        task_id = started(operator(), instance)
        assert worker.queue.status(task_id)["status"]["state"] == "pending"
        assert worker.queue.taskQueueCounts(worker.task_queue_id)["pendingTasks"] == 1

    def test_two_tries_at_once_run_one_task(self, operator, worker):
        with ThreadPoolExecutor(8) as threads:
            ids = set(threads.map(lambda _: started(operator(), TaskInstance()), range(8)))
        assert len(ids) == 1
        assert worker.queue.taskQueueCounts(worker.task_queue_id)["pendingTasks"] == 1

    def test_a_dag_that_was_edited_between_two_tries_takes_up_the_task(self, operator, instance, created_tasks, caplog):
        task_id = started(operator(), instance)
        assert started(operator(payload={"command": [["false"]]}), instance) == task_id
        assert created_tasks() == [task_id]

    def test_a_clear_creates_a_new_task(self, operator, instance, playing, created_tasks):
        playing(complete, complete)
        first = operator(retries=2).execute(TaskInstance(max_tries=2).context)
        again = operator(retries=2).execute(TaskInstance(max_tries=2 + 1).context)
        assert created_tasks() == [first["task_id"], again["task_id"]]

    def test_each_mapped_task_and_each_run_has_a_task_of_its_own(self, operator):
        instances = [TaskInstance(map_index=index) for index in (-1, 0, 1)]
        instances.append(TaskInstance())
        instances[-1].run_id = "manual__2"
        assert len({started(operator(), instance) for instance in instances}) == len(instances)

    @pytest.mark.parametrize("reason", ["internal-error", "resource-unavailable"])
    def test_after_a_fault_of_the_infrastructure_the_next_try_creates_a_new_task(
        self, operator, instance, playing, created_tasks, reason
    ):
        playing(exception(reason), complete)
        with pytest.raises(TaskNotCompleted, match="the next try of this Airflow task starts a new attempt") as caught:
            operator().execute(instance.context)
        assert caught.value.transient
        result = operator().execute(instance.context)
        assert created_tasks()[1:] == [result["task_id"]]

    def test_a_new_attempt_is_taken_up_as_well(self, operator, instance, playing, created_tasks):
        playing(exception("internal-error"), complete)
        with pytest.raises(TaskNotCompleted):
            operator().execute(instance.context)
        second = started(operator(), instance)
        assert operator().execute(instance.context)["task_id"] == second
        assert len(created_tasks()) == 2

    def test_a_failure_is_retried_only_if_asked_for(self, operator, instance, playing, created_tasks):
        playing(fail, complete)
        with pytest.raises(TaskNotCompleted):
            operator(retry_on="failed").execute(instance.context)
        operator(retry_on=["failed"]).execute(instance.context)
        assert len(created_tasks()) == 2

    def test_a_rerun_in_place_of_a_new_task(self, operator, instance, playing, created_tasks):
        playing(exception("internal-error"), complete)
        with pytest.raises(TaskNotCompleted):
            operator(rerun=True).execute(instance.context)
        task_id = started(operator(rerun=True), instance)
        result = operator(rerun=True).execute(instance.context)
        assert (result["task_id"], result["run_id"]) == (task_id, 1)
        assert created_tasks() == [task_id]

    def test_a_task_that_takes_no_more_runs_is_replaced(self, operator, instance, playing, created_tasks, tc, caplog):
        playing(exception("internal-error"), complete, complete)
        with pytest.raises(TaskNotCompleted):
            operator(rerun=True).execute(instance.context)
        tc.api_faults.add(scripted_error(409, "RequestConflict"), method="POST", path="/rerun")
        result = operator(rerun=True).execute(instance.context)
        assert created_tasks()[1:] == [result["task_id"]]
        assert "cannot be rerun, so a new one is created" in caplog.text

    def test_a_task_that_somebody_reran_is_followed_with_a_warning(self, operator, instance, hook, caplog):
        task_id = started(operator(on_kill="leave"), instance)
        hook.cancel_task(task_id)
        hook.rerun_task(task_id)
        assert started(operator(), instance) == task_id
        assert f"Run 1 of task {task_id!r} is a rerun by somebody" in caplog.text

    def test_a_task_that_a_killed_try_canceled_is_replaced(self, operator, instance, playing, created_tasks):
        first = operator()
        started(first, instance)
        first.on_kill()
        playing(complete)
        assert operator().execute(instance.context)["state"] == "completed"
        assert len(created_tasks()) == 2

    @pytest.mark.parametrize("log", ["none", "live"])
    def test_a_try_that_is_killed_ends_so_that_airflow_retries_it(self, operator, instance, log):
        """Airflow 3 lets the process go on after ``on_kill``, when a worker is shut down."""
        killed = operator(log=log)
        killed.poll_interval = 30
        kill = threading.Timer(0.5, killed.on_kill)
        kill.start()
        begun = time.monotonic()
        with pytest.raises(Interrupted) as caught:
            killed.execute(instance.context)
        kill.join()
        assert caught.value.transient
        assert time.monotonic() - begun < 10

    @pytest.mark.parametrize(("try_number", "error"), [(1, AirflowFailException), (2, TaskNotCompleted)])
    def test_a_cancel_by_an_earlier_try_that_comes_back_is_retried(self, operator, instance, try_number, error):
        lost, second = operator(), TaskInstance(try_number=try_number)
        started(lost, instance)
        with ThreadPoolExecutor(1) as thread:
            following = thread.submit(execute_in_thread, operator(), second.context)
            while "taskcluster_run" not in second.xcom:
                time.sleep(0.01)
            lost.on_kill()
            with pytest.raises(error, match="canceled"):
                following.result(30)

    def test_a_task_that_somebody_canceled_is_not_replaced(self, operator, instance, worker):
        task_id = started(operator(on_kill="leave"), instance)
        worker.queue.cancelTask(task_id)
        with pytest.raises(AirflowFailException, match=r"run 0 is exception \(canceled\)"):
            operator(on_kill="leave").execute(instance.context)


class TestResults:
    def test_artifacts_are_downloaded_and_a_small_one_is_in_the_result(self, operator, instance, playing, tmp_path):
        def publish(run):
            run.add("public/build/a.txt", b"aa")
            run.add("public/other.txt", b"b")
            run.add("public/result.json", b'{"answer": [42]}')
            run.complete()

        playing(publish)
        result = operator(
            download="public/build/*", destination=str(tmp_path / "out"), result_artifact="public/result.json"
        ).execute(instance.context)
        assert result["result"] == {"answer": [42]}
        assert (tmp_path / "out/public/build/a.txt").read_bytes() == b"aa"
        assert not (tmp_path / "out/public/other.txt").exists()
        assert result["downloaded"]["count"] == 1

    @pytest.mark.parametrize(
        "content", [b"{torn", b"[" * 60_000, b'"' + b"x" * 70_000 + b'"'], ids=["torn", "deep", "large"]
    )
    def test_a_result_that_is_no_small_json_is_an_error(self, operator, instance, playing, content):
        def publish(run):
            run.add("public/result.json", content)
            run.complete()

        playing(publish)
        with pytest.raises(AirflowFailException, match=r"result\.json"):
            operator(result_artifact="public/result.json").execute(instance.context)

    def test_the_list_of_artifacts_is_capped(self, operator, instance, playing, tc):
        def publish(run):
            for number in range(101):
                run.add_link(f"public/{number:03}", "public/a")
            run.complete()

        playing(publish)
        result = operator().execute(instance.context)
        assert (result["artifact_count"], len(result["artifacts"])) == (101, 100)

"""``TaskclusterRunTaskOperator`` follows tasks that a real worker runs: their log, deferred and not, and their end."""

from __future__ import annotations

import asyncio
import secrets
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowTaskTimeout
from airflow_tries import TaskInstance, deferred, event_of, execute_in_thread

from airflow_provider_taskcluster.emulator.store.faults import Status
from airflow_provider_taskcluster.exceptions import TaskNotCompleted, WaitFailed
from airflow_provider_taskcluster.operators.run_task import TaskclusterRunTaskOperator
from airflow_provider_taskcluster.tasks.generic_worker import generic_worker_payload
from airflow_provider_taskcluster.triggers.run_trigger import TaskclusterRunTrigger

BACKING = "public/logs/live_backing.log"
SPEAK = "import time\nfor n in range(40): print('line', n, flush=True); time.sleep(0.02)"
SLEEP = "import time; print('begun', flush=True); time.sleep(600)"


@pytest.fixture(autouse=True)
def _shown_at_info(caplog):
    caplog.set_level("INFO")


@pytest.fixture
def operator(hook, taskcluster_worker):
    """Make the operator of a new process; keyword arguments replace the defaults."""

    def make(source=SPEAK, **arguments):
        payload = generic_worker_payload([sys.executable, "-c", source], max_run_time=600)
        usual = {"task_queue_id": taskcluster_worker.task_queue_id, "payload": payload, "poll_interval": 0.1}
        return TaskclusterRunTaskOperator(**{"task_id": "task", "taskcluster_conn_id": "tc_test", **usual, **arguments})

    return make


def shown(caplog):
    return [record.getMessage() for record in caplog.records if record.name.endswith("task_output")]


def backing(hook, task_id):
    return hook.read_artifact(task_id, BACKING).decode().splitlines()


@pytest.fixture
def settled(hook):
    """Return a function that waits until the worker has noticed that a task was canceled."""
    canceled = []
    yield canceled.append
    for task_id in canceled:
        eventually(lambda: any(info["name"] == BACKING for info in hook.list_artifacts(task_id)))  # noqa: B023 (now)


class TestOnTheWorker:
    def test_the_whole_log_is_shown_once(self, operator, instance, hook, caplog):
        result = operator().execute(instance.context)
        assert result["state"] == "completed"
        assert [line for line in shown(caplog) if not line.startswith("[taskcluster]")] == [
            line for line in backing(hook, result["task_id"]) if not line.startswith("[taskcluster]")
        ]

    def test_a_retry_that_finds_an_ended_task_shows_its_whole_log(self, operator, instance, hook, caplog):
        first = operator().execute(instance.context)
        caplog.clear()
        assert operator().execute(TaskInstance().context) == first
        assert shown(caplog) == backing(hook, first["task_id"])

    def test_a_retry_shows_it_again_from_its_beginning(self, operator, instance, caplog):
        operator().start(instance.context)
        operator().execute(instance.context)
        assert [line for line in shown(caplog) if line.startswith("line")] == [f"line {n}" for n in range(40)]

    def test_a_failure_ends_with_the_log_and_the_reason(self, operator, instance, caplog):
        with pytest.raises(AirflowFailException, match=r"run 0 is failed \(failed\)"):
            operator("print('the cause'); raise SystemExit(3)").execute(instance.context)
        assert "the cause" in shown(caplog)

    @pytest.mark.parametrize("log", ["live", "tail", "none"])
    def test_a_failure_shows_its_last_lines_whatever_the_log(self, operator, instance, caplog, log):
        source = "for n in range(300): print('line', n)\nraise SystemExit(1)"
        with pytest.raises(AirflowFailException):
            operator(source, log=log, log_lines=10).execute(instance.context)
        lines = [line for line in shown(caplog) if line.startswith("line")]
        assert lines[-1] == "line 299"
        assert (len(lines) == 300) if log == "live" else (30 < len(lines) <= 50)

    @pytest.mark.parametrize(("log", "log_lines", "count"), [("tail", 20, 20), ("tail", None, 300), ("none", 20, 0)])
    def test_the_log_of_a_success_may_be_its_tail(self, operator, instance, caplog, log, log_lines, count):
        operator("for n in range(300): print('line', n)", log=log, log_lines=log_lines).execute(instance.context)
        lines = [line for line in shown(caplog) if line.startswith("line")]
        assert len(lines) <= count
        assert len(lines) >= count - 10  # the worker writes some lines at the end

    def test_a_kill_cancels_the_task_and_ends_at_once(self, operator, instance, hook, settled):
        one = operator(SLEEP)
        thread = threading.Thread(target=run_quietly, args=[one, instance])
        thread.start()
        eventually(lambda: "taskcluster_run" in instance.xcom)
        eventually(lambda: hook.task_status(one.taskcluster_task_id)["state"] == "running")
        started = time.monotonic()
        one.on_kill()
        thread.join(10)
        assert not thread.is_alive()
        assert time.monotonic() - started < 3
        status = hook.task_status(one.taskcluster_task_id)
        assert (status["state"], status["runs"][0]["reasonResolved"]) == ("exception", "canceled")
        settled(one.taskcluster_task_id)

    def test_a_kill_may_leave_the_task(self, operator, instance, hook):
        one = operator(SLEEP, on_kill="leave", task_queue_id="emulator/idle")
        one.start(instance.context)
        one.on_kill()
        assert hook.task_status(one.taskcluster_task_id)["state"] == "pending"

    @pytest.mark.usefixtures("no_anonymous_scopes")
    @pytest.mark.parametrize("log", ["live", "none"])
    def test_credentials_may_be_rotated_meanwhile(self, operator, instance, connect, hook, tc, caplog, log):
        """The service knows the new ones a moment before the connection has them."""
        client_id = f"tests/{secrets.token_hex(4)}"
        connect("tc_rotated", login=client_id, password=tc.add_client(client_id, ["*"]))
        one = operator(
            "import time; time.sleep(2); print('the end')", log=log, taskcluster_conn_id="tc_rotated", log_lines=10
        )
        with ThreadPoolExecutor(1) as thread:
            running = thread.submit(execute_in_thread, one, instance.context)
            eventually(lambda: "taskcluster_run" in instance.xcom)
            password = tc.add_client(client_id, ["*"])
            time.sleep(0.5)
            connect("tc_rotated", login=client_id, password=password)
            assert running.result(30)["state"] == "completed"
        assert ("the end" in shown(caplog)) is (log == "live")


def run_quietly(operator, instance):
    with pytest.raises(Exception, match=r".*"):
        execute_in_thread(operator, instance.context)


def eventually(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


class TestDeferred:
    def test_another_process_goes_on_and_shows_the_tail(self, operator, instance, hook, caplog):
        event = event_of(deferred(operator(deferrable=True), instance), TaskclusterRunTrigger)
        assert event["outcome"] == "found"
        assert shown(caplog) == []
        result = operator(deferrable=True, log_lines=10).execute_complete(instance.context, event)
        assert result["state"] == "completed"
        assert shown(caplog)[1:] == backing(hook, result["task_id"])[-10:]

    @pytest.mark.parametrize("retry_on", [(), ["failed"]], ids=["final", "retried"])
    def test_a_failure_means_the_same_as_on_the_worker(self, operator, instance, retry_on):
        arguments = {"source": "raise SystemExit(1)", "deferrable": True, "retry_on": retry_on}
        event = event_of(deferred(operator(**arguments), instance), TaskclusterRunTrigger)
        with pytest.raises(TaskNotCompleted if retry_on else AirflowFailException, match="run 0 is failed"):
            operator(**arguments).execute_complete(instance.context, event)

    def test_a_task_that_has_ended_is_not_deferred(self, operator, instance):
        event_of(deferred(operator(deferrable=True), instance), TaskclusterRunTrigger)
        assert operator(deferrable=True).execute(instance.context)["state"] == "completed"

    def test_a_time_out_cancels_the_task(self, operator, instance, hook, settled):
        arguments = {"source": SLEEP, "deferrable": True, "execution_timeout": timedelta(seconds=0.5)}
        event = event_of(deferred(operator(**arguments), instance), TaskclusterRunTrigger)
        assert event["outcome"] == "timeout"
        later = operator(**arguments)
        later.pre_execute(instance.context)
        with pytest.raises(AirflowTaskTimeout, match="has not ended in time"):
            later.execute_complete(instance.context, event)
        assert hook.task_status(later.taskcluster_task_id)["state"] == "exception"
        settled(later.taskcluster_task_id)

    @pytest.mark.parametrize(
        ("error", "raised", "state"),
        [("Trigger timeout", AirflowTaskTimeout, "exception"), ("Trigger failure", WaitFailed, "running")],
    )
    def test_a_trigger_that_ends_without_an_event(self, operator, instance, hook, settled, error, raised, state):
        deferred(operator(SLEEP, deferrable=True), instance)
        later = operator(SLEEP, deferrable=True)
        task_id = instance.xcom["taskcluster_run"]["task_id"]
        eventually(lambda: hook.task_status(task_id)["state"] == "running")
        with pytest.raises(raised):
            later.resume_execution("__fail__", {"error": error, "traceback": []}, instance.context)
        assert hook.task_status(task_id)["state"] == state
        hook.cancel_task(task_id)
        settled(task_id)

    @pytest.mark.parametrize(("on_kill", "state"), [("cancel", "exception"), ("leave", "pending")])
    def test_a_user_who_marks_the_task_cancels_it(self, operator, instance, hook, on_kill, state):
        trigger = deferred(operator(deferrable=True, on_kill=on_kill, task_queue_id="emulator/idle"), instance)
        asyncio.run(trigger.on_kill())
        assert hook.task_status(instance.xcom["taskcluster_run"]["task_id"])["state"] == state

    def test_a_cancel_that_fails_is_a_warning(self, operator, instance, tc, caplog):
        trigger = deferred(operator(deferrable=True, task_queue_id="emulator/idle"), instance)
        tc.api_faults.add(Status(403), method="POST", path="/cancel")
        asyncio.run(trigger.on_kill())
        assert f"Task '{instance.xcom['taskcluster_run']['task_id']}' could not be canceled: " in caplog.text

    def test_a_kill_after_the_deferral_cancels_the_task(self, operator, instance, hook):
        arguments = {"deferrable": True, "task_queue_id": "emulator/idle"}
        deferred(operator(**arguments), instance)
        later, instance.next_method = operator(**arguments), "execute_complete"
        later.pre_execute(instance.context)
        later.on_kill()
        assert hook.task_status(instance.xcom["taskcluster_run"]["task_id"])["state"] == "exception"

    def test_a_run_that_goes_on_is_no_result(self, operator, instance):
        deferred(operator(deferrable=True, task_queue_id="emulator/idle"), instance)
        with pytest.raises(WaitFailed, match="goes on, though it had ended"):
            operator(deferrable=True).execute_complete(instance.context, {"outcome": "found"})

    def test_an_xcom_that_is_gone_lets_the_next_try_find_the_task(self, operator, instance):
        event = event_of(deferred(operator(deferrable=True), instance), TaskclusterRunTrigger)
        instance.xcom.clear()
        with pytest.raises(WaitFailed, match="the next try finds the task again"):
            operator(deferrable=True).execute_complete(instance.context, event)

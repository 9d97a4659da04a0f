"""``TaskclusterTriggerHookOperator`` as Airflow calls it: the traps of hooks, and the ways to find a task again."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException, TaskDeferred
from airflow_tries import StateStore, TaskInstance
from taskcluster_hooks import STRICT, MadeHook, template

from airflow_provider_taskcluster.emulator import Emulator, Settings
from airflow_provider_taskcluster.emulator.store.faults import Overtaken, Reset, Status
from airflow_provider_taskcluster.exceptions import (
    ConnectionFailed,
    InvalidInput,
    ServiceUnavailable,
    TaskNotCompleted,
)
from airflow_provider_taskcluster.operators.hooks import TaskclusterTriggerHookOperator
from airflow_provider_taskcluster.tasks.generic_worker import generic_worker_payload

TRIGGER = "/trigger"
AGAIN = "a retry triggers the hook again"


pytestmark = pytest.mark.usefixtures("own_dag_run")


@pytest.fixture
def made_hook(hook, worker):
    return lambda task=None, **options: MadeHook(hook, task or template(worker.task_queue_id), **options)


@pytest.fixture
def operator(hook):
    """Make the operator of a new try; keyword arguments replace the defaults."""

    def make(one, **arguments):
        usual = {**one.arguments, "taskcluster_conn_id": "tc_test", "log": "none", "poll_interval": 0.05}
        return TaskclusterTriggerHookOperator(task_id="task", **{**usual, **arguments})

    return make


@pytest.fixture
def older(connect):
    """The hook of Airflow for a deployment that does not know ``taskId`` in payloads, as before 97.1.0."""
    with Emulator(settings=Settings(hook_task_ids=False)) as older:
        yield connect("tc_older", host=older.root_url, login=older.client_id, password=older.access_token)


def try_number(number):
    return TaskInstance(try_number=number, max_tries=9).context


def started(operator, number=1):
    """Start the task as a try does that is killed then; return its id."""
    operator.retries = 9
    return operator.start(try_number(number))["taskId"]


def ended(operator, number=1):
    operator.retries = 9
    return operator.execute(try_number(number))


def followed(task_id):
    """The context of a try that goes on after a deferral."""
    instance = TaskInstance()
    instance.xcom_push("taskcluster_run", {"task_id": task_id, "run_id": 0})
    return instance.context


def definition(worker):
    now = datetime.now(UTC)
    made = template(worker.task_queue_id, extra={})
    return {**made, "created": now.isoformat(), "deadline": (now + timedelta(hours=1)).isoformat()}


class TestEnds:
    def test_the_task_of_the_hook_is_run_and_its_result_returned(self, operator, hook, made_hook, taskcluster_worker):
        script = "import json; json.dump({'branch': 'main'}, open('r.json', 'w')); print('line')"
        payload = generic_worker_payload(
            [sys.executable, "-c", script],
            max_run_time=60,
            artifacts=[{"type": "file", "path": "r.json", "name": "public/r.json"}],
        )
        one = made_hook(template(taskcluster_worker.task_queue_id, payload=payload, extra={"b": "${payload.branch}"}))
        instance = TaskInstance()
        ran = operator(one, payload={"branch": "main"}, result_artifact="public/r.json", log="live")
        result = ran.execute(instance.context)
        assert (result["state"], result["result"]) == ("completed", {"branch": "main"})
        assert hook.task_definition(result["task_id"])["extra"] == {"b": "main"}
        assert one.made() == [result["task_id"]]
        page = f"{hook.settings.root_url}/hooks/{one.name[0]}/make%2Fit"
        assert instance.xcom["taskcluster_hook_link"] == page
        assert instance.xcom["taskcluster_task_link"].endswith(f"/tasks/{result['task_id']}")

    def test_it_can_be_deferred(self, operator, made_hook, tc):
        one = made_hook()
        instance = TaskInstance()
        with pytest.raises(TaskDeferred):
            operator(one, deferrable=True).execute(instance.context)
        (task_id,) = one.made()
        tc.bulk.resolve([task_id])
        resumed = operator(one, deferrable=True)
        assert resumed.execute_complete(instance.context, {"outcome": "found"})["task_id"] == task_id

    def test_a_kill_cancels_the_task(self, operator, hook, made_hook):
        killed = operator(made_hook())
        task_id = started(killed)
        killed.on_kill()
        assert hook.task_status(task_id)["runs"][-1]["reasonResolved"] == "canceled"

    def test_no_task_is_a_failure_by_default(self, operator, made_hook):
        with pytest.raises(AirflowFailException, match="made no task: its template renders to nothing"):
            ended(operator(made_hook({"$if": "false", "then": {}})))

    def test_no_task_may_skip_the_airflow_task(self, operator, made_hook):
        with pytest.raises(AirflowSkipException, match="made no task"):
            ended(operator(made_hook({"$if": "false", "then": {}}), if_none="skip"))

    def test_no_task_may_be_a_success(self, operator, made_hook):
        nothing = made_hook({"$if": "false", "then": {}})
        one = operator(nothing, if_none="succeed")
        assert ended(one) is None
        assert one.taskcluster_task_id is None
        assert ended(operator(nothing, if_none="succeed", token_field="token", payload={"a": 1}), 2) is None

    def test_no_hook_fails_at_once(self, operator):
        with pytest.raises(AirflowFailException, match="there is no such hook"):
            TaskclusterTriggerHookOperator(
                task_id="task", hook_group_id="no-such", hook_id="h", taskcluster_conn_id="tc_test"
            ).execute(try_number(1))

    def test_scopes_of_the_client_fail_at_once(self, operator, holding, made_hook):
        one = made_hook()
        holding("queue:status:*")
        with pytest.raises(AirflowFailException, match=r"grant client 'tests/.*' the scope hooks:trigger-hook:"):
            ended(operator(one, taskcluster_conn_id="tc_limited"))

    def test_scopes_of_the_role_fail_at_once_and_a_later_try_makes_the_task(self, operator, made_hook, worker):
        one = made_hook(scopes=["a:b"])
        with pytest.raises(AirflowFailException, match="grant the role 'hook-id:group-"):
            ended(operator(one))
        one.grant([f"queue:create-task:lowest:{worker.task_queue_id}"])
        assert [started(operator(one), 2)] == one.made()

    def test_a_payload_that_the_schema_refuses_fails_with_its_words(self, operator, made_hook):
        one = made_hook(schema={"type": "object", "properties": {"a": {"type": "integer"}}})
        with pytest.raises(AirflowFailException, match="data/a must be integer"):
            ended(operator(one, payload={"a": "x"}))
        assert one.fires() == []


class TestRetries:
    def test_a_retry_takes_up_the_task_and_makes_no_second_one(self, operator, made_hook, tc, caplog):
        one = made_hook()
        task_id = started(operator(one))
        assert started(operator(one), 2) == task_id
        tc.bulk.resolve([task_id])
        assert ended(operator(one), 3)["task_id"] == task_id
        assert one.made() == [task_id]
        assert AGAIN not in caplog.text

    @pytest.mark.parametrize(
        "fault", [Reset(0), Overtaken(500, "InternalServerError"), Overtaken(400, "InputError")], ids=repr
    )
    def test_an_answer_that_is_lost_makes_no_second_task(self, operator, made_hook, tc, fault):
        one = made_hook()
        tc.api_faults.add(fault, path=TRIGGER)
        assert [started(operator(one))] == one.made()
        assert len(tc.journal.entries(method="POST", path=TRIGGER)) == 1

    def test_a_trigger_that_does_not_arrive_is_retried_by_airflow(self, operator, made_hook, tc):
        one = made_hook()
        tc.api_faults.add(Status(503), path=TRIGGER)
        with pytest.raises(ServiceUnavailable) as caught:
            ended(operator(one))
        assert caught.value.transient
        assert [started(operator(one), 2)] == one.made()

    def test_a_queue_that_is_away_is_retried_by_airflow(self, operator, made_hook, tc):
        one = made_hook()
        body = {"code": "InputError", "message": "While calling createTask: InternalServerError\n\nInternal error"}
        tc.api_faults.add(Status(400, {"content-type": "application/json"}, json.dumps(body).encode()), path=TRIGGER)
        with pytest.raises(ServiceUnavailable, match="While calling createTask"):
            ended(operator(one))
        assert [started(operator(one), 2)] == one.made()

    def test_after_a_failed_try_the_second_one_makes_the_task_though_it_gets_a_400(self, operator, made_hook, worker):
        one = made_hook({**template(worker.task_queue_id), "extra": {"a": "${payload.a}"}})
        with pytest.raises(AirflowFailException, match="While firing hook"):
            ended(operator(one))
        (failed,) = one.fires()
        assert started(operator(one, payload={"a": "1"}), 2) == failed["taskId"]
        assert one.made() == [failed["taskId"]]

    def test_an_id_that_failed_twice_is_left_and_the_error_is_the_real_one(self, operator, made_hook, worker, caplog):
        one = made_hook({**template(worker.task_queue_id), "extra": {"a": "${payload.a}"}})
        for number in (1, 2, 3):
            with pytest.raises(AirflowFailException, match=r"InterpreterError at template\.extra\.a"):
                ended(operator(one), number)
        assert len(one.fires()) == 3
        assert "triggering it with another id" in caplog.text

    def test_the_search_for_a_usable_id_ends(self, operator, made_hook, worker, monkeypatch):
        monkeypatch.setattr("airflow_provider_taskcluster.tasks.starting._MOST_UNUSABLE", 0)
        one = made_hook({**template(worker.task_queue_id), "extra": {"a": "${payload.a}"}})
        for number in (1, 2, 3):
            with pytest.raises(AirflowFailException):
                ended(operator(one), number)
        assert len(one.fires()) == 1

    def test_the_task_of_a_later_id_is_found_although_the_first_ids_have_none(self, operator, made_hook, worker):
        one = made_hook({**template(worker.task_queue_id), "extra": {"a": "${payload.a}"}})
        for number in (1, 2):
            with pytest.raises(AirflowFailException):
                ended(operator(one), number)
        one.change(task={**template(worker.task_queue_id), "taskQueueId": "${payload.queue}"})
        with pytest.raises(AirflowFailException):
            ended(operator(one), 3)
        (last, *_) = one.fires()
        one.admin.create_task(last["taskId"], definition(worker))  # what a trigger makes that answers too late
        assert started(operator(one, payload={"queue": worker.task_queue_id}), 4) == last["taskId"]
        assert one.made() == [last["taskId"]]

    def test_two_tries_at_once_run_one_task(self, operator, made_hook):
        one = made_hook()
        with ThreadPoolExecutor(8) as threads:
            ids = set(threads.map(lambda _: started(operator(one)), range(8)))
        assert [*ids] == one.made()

    def test_a_clear_triggers_the_hook_again(self, operator, made_hook, tc):
        one = made_hook()
        first = operator(one, retries=1).start(TaskInstance(max_tries=1).context)["taskId"]
        again = operator(one, retries=1).start(TaskInstance(max_tries=2, try_number=2).context)["taskId"]
        assert one.made() == [first, again]

    def test_after_an_end_in_retry_on_the_next_try_triggers_again(self, operator, made_hook, worker):
        one = made_hook()
        first = started(operator(one))
        run = worker.claim(first)
        run.add("public/logs/live_backing.log", b"the log\n")  # one that is missing may still come
        run.exception("internal-error")
        with pytest.raises(TaskNotCompleted) as caught:
            operator(one).execute_complete(followed(first), {"outcome": "found"})
        assert caught.value.transient
        second = started(operator(one), 2)
        assert one.made() == [first, second]

    def test_or_reruns_the_same_task(self, operator, made_hook, worker, hook):
        one = made_hook()
        first = started(operator(one, rerun=True))
        worker.claim(first).exception("internal-error")
        assert started(operator(one, rerun=True), 2) == first
        assert hook.task_status(first)["runs"][-1]["reasonCreated"] == "rerun"

    def test_a_task_that_a_killed_try_canceled_is_replaced(self, operator, made_hook):
        one = made_hook()
        killed = operator(one)
        first = started(killed)
        killed.on_kill()
        assert started(operator(one), 2) != first
        assert len(one.made()) == 2

    def test_temporary_credentials_keep_a_key_in_the_state_store(self, operator, made_hook, connect, hook):
        one = made_hook()
        issued = hook.temporary_credentials(["*"], timedelta(hours=1))
        connect(
            "tc_temporary",
            login=issued.client_id,
            password=issued.access_token,
            extra={"certificate": issued.certificate},
        )
        store = StateStore()
        for _ in range(2):
            operator(one, taskcluster_conn_id="tc_temporary").start(TaskInstance(store=store).context)
        assert len(one.made()) == 1


class TestWithoutIds:
    """The schema refuses ``taskId``, or the service is too old for it."""

    def test_a_schema_that_refuses_the_id_is_triggered_without_and_the_log_says_what_a_retry_does(
        self, operator, made_hook, caplog
    ):
        one = made_hook(schema=STRICT)
        tasks = [started(operator(one), number) for number in (1, 2)]
        assert one.made() == tasks
        assert f"Hook {'/'.join(one.name)!r} does not take the id of its task, so {AGAIN}" in caplog.text

    def test_a_kill_cancels_its_task(self, operator, made_hook, hook):
        killed = operator(made_hook(schema=STRICT))
        task_id = started(killed)
        killed.on_kill()
        assert hook.task_status(task_id)["state"] == "exception"

    def test_a_token_finds_the_task_again(self, operator, made_hook, caplog, tc):
        one = made_hook(schema=STRICT)
        task_id = started(operator(one, token_field="token"))
        other = one.admin.trigger_hook(*one.name, {"token": "another"})
        assert started(operator(one, token_field="token"), 2) == task_id
        assert one.made() == [task_id, other]
        assert AGAIN not in caplog.text

    @pytest.mark.parametrize("fault", [Reset(0), Overtaken(500, "InternalServerError")], ids=repr)
    def test_a_token_finds_the_task_after_a_lost_answer(self, operator, made_hook, tc, fault, caplog):
        one = made_hook(schema=STRICT)
        tc.api_faults.add(fault, path=TRIGGER, nth=2)  # the first one has the taskId, and is refused
        found = operator(one, token_field="token")
        assert [started(found)] == one.made()
        assert found.taskcluster_task_id == one.made()[0]
        assert "although the trigger failed" in caplog.text

    def test_a_lost_answer_without_token_is_an_error_and_the_log_says_what_a_retry_does(
        self, operator, made_hook, tc, caplog
    ):
        one = made_hook(schema=STRICT)
        tc.api_faults.add(Reset(0), path=TRIGGER, nth=2)
        lost = operator(one)
        with pytest.raises(ConnectionFailed):
            ended(lost)
        assert len(one.made()) == 1
        assert lost.taskcluster_task_id is None  # nothing to cancel
        assert AGAIN in caplog.text

    def test_fires_before_the_dag_run_are_not_looked_at(self, operator, made_hook, tc):
        one = made_hook(schema=STRICT)
        before = one.admin.trigger_hook(*one.name, {"token": "another"})
        with tc.clock.advanced(minutes=60):
            context = TaskInstance(started=datetime.now(UTC) + timedelta(hours=1)).context
            operator(one, token_field="token").start(context)
        assert not tc.journal.entries(method="GET", path=f"/task/{before}")

    def test_a_new_attempt_has_another_token(self, operator, made_hook, worker):
        one = made_hook(schema=STRICT)
        first = started(operator(one, token_field="token"))
        worker.claim(first).exception("internal-error")
        second = started(operator(one, token_field="token"), 2)
        assert started(operator(one, token_field="token"), 3) == second
        assert one.made() == [first, second]

    def test_a_rerun_is_that_of_the_task_with_the_token(self, operator, made_hook, worker):
        one = made_hook(schema=STRICT)
        first = started(operator(one, token_field="token"))
        worker.claim(first).exception("internal-error")
        assert started(operator(one, token_field="token", rerun=True), 2) == first

    def test_an_older_service_makes_a_task_with_another_id(self, operator, older, caplog):
        one = MadeHook(older, template("tests/older"))
        tasks = [started(operator(one, taskcluster_conn_id="tc_older"), number) for number in (1, 2)]
        assert one.made() == tasks
        assert "ignored the id" in caplog.text
        assert AGAIN in caplog.text

    def test_there_too_a_token_finds_it_again(self, operator, older, caplog):
        one = MadeHook(older, template("tests/older"))
        arguments = {"taskcluster_conn_id": "tc_older", "token_field": "token"}
        assert len({started(operator(one, **arguments), number) for number in (1, 2)}) == 1
        assert AGAIN not in caplog.text


class TestArguments:
    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ({"hook_group_id": "a/b"}, "is not the id of a group of hooks"),
            ({"hook_id": "a b"}, "is not the id of a hook"),
            ({"payload": ["a"]}, "payload is .*: pass a dict"),
            ({"payload": {"taskId": "x"}}, "payload has a taskId"),
            ({"token_field": "taskId"}, "name a field of its own"),
            ({"if_none": "stop"}, "if_none is 'stop'"),
            ({"rerun": "yes"}, "pass True or False"),
        ],
        ids=str,
    )
    def test_a_wrong_argument_is_an_error_when_the_dag_is_parsed(self, arguments, sentence):
        with pytest.raises(InvalidInput, match=sentence):
            TaskclusterTriggerHookOperator(**{"task_id": "task", "hook_group_id": "g", "hook_id": "h", **arguments})

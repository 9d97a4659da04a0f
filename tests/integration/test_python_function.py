"""``@task.taskcluster`` as Airflow calls it, against a worker that runs functions in processes."""

from __future__ import annotations

import json
import os
import pickle
import re
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, AirflowSkipException, TaskDeferred
from airflow_tries import TaskInstance

from airflow_provider_taskcluster.decorators.taskcluster import taskcluster_task
from airflow_provider_taskcluster.exceptions import (
    FunctionFailed,
    InvalidInput,
    NotAsAnnounced,
    TaskNotCompleted,
)

# The Python of this one's environment, without its packages: Airflow takes seconds to import.
PLAIN_PYTHON = os.path.realpath(sys.executable)
OUTCOME = "private/airflow/outcome.json"

pytestmark = pytest.mark.usefixtures("own_dag_run")


@pytest.fixture
def operator(hook, taskcluster_worker):
    """Make the operator of a function, with its arguments."""

    def make(function, *given, retries=1, **options):
        usual = {
            "task_queue_id": taskcluster_worker.task_queue_id,
            "taskcluster_conn_id": "tc_test",
            "poll_interval": 0.1,
            "max_run_time": 60,
            "python_command": PLAIN_PYTHON,
            "task_id": "task",
            "log": "none",
        }
        with DAG("a_dag", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):
            return taskcluster_task(function, retries=retries, **{**usual, **options})(*given).operator

    return make


@pytest.fixture
def ended(operator, instance):
    """Run a function, and return what it returned."""
    return lambda function, *given, **options: operator(function, *given, **options).execute(instance.context)


def add(one, two=2):
    return one + two


def refuse(value):
    raise ValueError(f"bad value {value}")


def fail_for_good():
    class AirflowFailException(Exception):
        pass

    raise AirflowFailException("never again")


def raise_own():
    class OwnError(Exception):
        def __init__(self, code, reason):
            super().__init__(f"{code}: {reason}\nsecond \x1b[1mline")

    raise OwnError(7, "wrong")


def raise_unserializable():
    from concurrent.futures import BrokenExecutor

    class Odd(BrokenExecutor):
        def __reduce__(self):
            raise RuntimeError("no pickle")

    raise Odd


def exit_with(status):
    import sys

    sys.exit(status)


def end_process(status):
    import os

    os._exit(status)


def skip():
    class AirflowSkipException(Exception):
        pass

    raise AirflowSkipException("nothing new")


def repeat(text, count):
    return text * count


def own_type():
    class Own:
        pass

    return Own()


def as_json(value, names=("a",)):
    return {"value": value, "names": names}


def skip_with_airflow():
    from airflow.exceptions import AirflowSkipException

    raise AirflowSkipException("nothing new")


def own_folders():
    import sys
    from pathlib import Path

    return [str(path.resolve()) for path in (Path.cwd(), Path(sys.argv[0]))]


class TestResults:
    @pytest.mark.parametrize("value", [None, 0, "", "ä", {"a": [1, (2, 3)]}, datetime(2026, 1, 1, tzinfo=UTC), b"\0"])
    def test_what_the_function_returns_is_returned(self, ended, value):
        assert ended(repeat, [value], 1) == [value]

    def test_defaults_and_none_are_returned(self, ended):
        assert ended(add, 1) == 3

    def test_json_needs_no_pickle(self, operator, instance, hook, monkeypatch):
        one = operator(as_json, {"x": None}, serializer="json")
        monkeypatch.setattr(pickle, "loads", lambda _: pytest.fail("it was unpickled"))
        assert one.execute(instance.context) == {"value": {"x": None}, "names": ["a"]}
        assert b"gAS" not in hook.read_artifact(instance.xcom["taskcluster_run"]["task_id"], OUTCOME)

    def test_a_retry_takes_up_the_task_of_a_killed_try(self, operator, instance, created_tasks):
        operator(add, 1).start(instance.context)
        again = TaskInstance(max_tries=1, try_number=2)
        assert operator(add, 1).execute(again.context) == 3
        assert len(created_tasks()) == 1

    def test_it_can_be_deferred(self, operator, instance, hook):
        with pytest.raises(TaskDeferred):
            operator(add, 1, deferrable=True).execute(instance.context)
        task_id = instance.xcom["taskcluster_run"]["task_id"]
        while hook.task_status(task_id)["state"] != "completed":
            pass
        assert operator(add, 1, deferrable=True).execute_complete(instance.context, {"outcome": "found"}) == 3

    def test_a_skip_skips_the_airflow_task(self, ended):
        with pytest.raises(AirflowSkipException, match=r"^AirflowSkipException: nothing new$"):
            ended(skip)

    def test_a_skip_by_airflows_own_class_skips_too(self, ended):
        with pytest.raises(AirflowSkipException, match="nothing new"):
            ended(skip_with_airflow, python_command=sys.executable)

    def test_artifacts_are_downloaded_too(self, ended, tmp_path):
        assert ended(add, 1, download=OUTCOME, destination=str(tmp_path)) == 3
        assert (tmp_path / OUTCOME).is_file()

    def test_a_result_may_have_a_largest_size(self, ended):
        with pytest.raises(AirflowFailException, match="returned more than max_result_bytes, 10: upload it"):
            ended(repeat, "x", 300_000, max_result_bytes=10)

    def test_a_result_that_cannot_be_serialized_is_an_exception(self, ended):
        with pytest.raises(AttributeError, match="Can't pickle local object"):
            ended(own_type)


class TestExceptions:
    def test_an_exception_is_raised_with_its_traceback(self, ended):
        with pytest.raises(ValueError, match=r"^bad value ž\nRaised by") as caught:
            ended(refuse, "ž")
        shown = "".join(traceback.format_exception(caught.value))
        assert "Raised by Function refuse in task " in shown
        assert 'raise ValueError(f"bad value {value}")' in shown

    def test_the_next_try_runs_the_function_again(self, operator, created_tasks):
        for number in (1, 2):
            with pytest.raises(ValueError, match="bad value 1"):
                operator(refuse, 1).execute(TaskInstance(max_tries=1, try_number=number).context)
        assert len(created_tasks()) == 2

    def test_one_that_cannot_be_rebuilt_is_an_error_of_ours(self, ended):
        with pytest.raises(FunctionFailed) as caught:
            ended(raise_own)
        error = pickle.loads(pickle.dumps(caught.value))
        assert r"raised OwnError: 7: wrong\nsecond \x1b[1mline" in str(error)
        assert error.transient is True
        assert "in raise_own" in error.remote_traceback

    def test_one_that_cannot_be_serialized_is_an_error_of_ours(self, ended):
        with pytest.raises(FunctionFailed, match=r"raised Odd"):
            ended(raise_unserializable)

    def test_json_never_rebuilds_one(self, ended):
        with pytest.raises(FunctionFailed, match="raised ValueError: bad value 1"):
            ended(refuse, 1, serializer="json")

    def test_airflows_final_failure_is_final(self, ended):
        with pytest.raises(AirflowFailException, match="raised AirflowFailException: never again"):
            ended(fail_for_good)

    def test_without_failed_in_retry_on_every_one_is_final(self, ended):
        with pytest.raises(AirflowFailException, match="raised ValueError: bad value 1") as caught:
            ended(refuse, 1, retry_on=())
        assert isinstance(caught.value.__cause__, ValueError)

    @pytest.mark.parametrize("status", [0, 3])
    def test_an_exit_is_an_exception(self, ended, status):
        with pytest.raises(FunctionFailed, match=f"raised SystemExit: {status}"):
            ended(exit_with, status)

    def test_a_process_that_dies_is_a_task_that_did_not_complete(self, ended):
        with pytest.raises(TaskNotCompleted, match="did not complete: run 0 is failed"):
            ended(end_process, 3)

    def test_a_process_that_dies_leaves_its_files_only_where_the_worker_removes_them(self, ended):
        folder, script = ended(own_folders)
        assert Path(script).is_relative_to(folder)

    def test_a_process_that_ends_as_if_well_did_not_complete_either(self, ended):
        with pytest.raises(TaskNotCompleted, match="did not complete"):
            ended(end_process, 0)

    def test_an_outcome_that_may_not_be_read_leaves_the_usual_error(self, operator, instance, holding, tc):
        holding("queue:status:*", "queue:create-task:*", "queue:scheduler-id:-", "queue:get-artifact:public/*")
        one = operator(refuse, 1, taskcluster_conn_id="tc_limited")
        with pytest.raises(TaskNotCompleted, match="did not complete"):
            one.execute(instance.context)


class TestOutcomes:
    @pytest.mark.parametrize(
        "written", [b"", b"[]", b"null", b'{"outcome": "odd"}', b'{"outcome": "returned", "result": "?"}', b"\xff"]
    )
    def test_a_broken_outcome_is_refused(self, operator, instance, run, hook, worker, written):
        run.add(OUTCOME, written)
        run.complete()
        one = operator(add, 1)
        with pytest.raises(NotAsAnnounced, match=r"The outcome of Function add in task .* is not readable"):
            one._result(instance.context, run.task_id, hook.task_status(run.task_id)["runs"][0])

    def test_a_result_that_cannot_be_read_here_says_why(self, operator, instance, run, hook):
        run.add(OUTCOME, b'{"outcome": "returned", "result": "AAAA"}')
        run.complete()
        with pytest.raises(
            NotAsAnnounced, match=r"cannot be read here \(UnpicklingError: .* types that both Pythons have"
        ):
            operator(add, 1)._result(instance.context, run.task_id, hook.task_status(run.task_id)["runs"][0])

    @pytest.mark.parametrize(
        ("written", "end", "kind", "sentence"),
        [
            ("raised", "failed", FunctionFailed, "add in task .* raised Own: why"),
            ("returned", "failed", TaskNotCompleted, "usual"),
            ("raised", "internal-error", TaskNotCompleted, "usual"),
        ],
    )
    def test_only_what_a_failed_run_raised_takes_the_place_of_the_usual_error(
        self, operator, instance, run, hook, written, end, kind, sentence
    ):
        outcome = {"outcome": written, "exception": "AAAA", "type": "Own", "message": "why"}
        run.add(OUTCOME, json.dumps(outcome).encode())
        run.fail() if end == "failed" else run.exception(end)
        ended = hook.task_status(run.task_id)["runs"][0]
        error = operator(add, 1)._failure(instance.context, run.task_id, ended, "usual")
        assert isinstance(error, kind)
        assert re.search(sentence, str(error))

    def test_a_missing_outcome_is_named(self, operator, instance, run, hook):
        run.complete()
        with pytest.raises(NotAsAnnounced, match="completed without an outcome of its function"):
            operator(add, 1)._result(instance.context, run.task_id, hook.task_status(run.task_id)["runs"][0])


class TestPayloads:
    def test_large_input_goes_in_pieces(self, operator, instance):
        large = os.urandom(400_000)
        one = operator(repeat, large, 2)
        assert one.execute(instance.context) == large * 2

    def test_input_that_is_too_large_is_refused(self, ended, created_tasks):
        with pytest.raises(AirflowFailException, match="characters as compressed text, and 786432 are possible"):
            ended(repeat, os.urandom(700_000), 1)
        assert created_tasks() == []

    def test_fields_are_added_to_the_payload(self, operator, hook, instance):
        more = {"env": {"A": "1"}, "features": {"liveLog": False}, "artifacts": [{"type": "file", "path": "x"}]}
        task_id = operator(add, 1, payload=more, deferrable=True).start(instance.context)["taskId"]
        payload = hook.task_definition(task_id)["payload"]
        assert (payload["env"]["A"], payload["features"], payload["maxRunTime"]) == ("1", {"liveLog": False}, 60)
        assert [artifact.get("name") for artifact in payload["artifacts"]] == [None, OUTCOME]

    def test_an_image_makes_a_payload_of_docker_worker(self, operator, hook, instance):
        one = operator(add, 1, image="python:3.12", payload={"artifacts": {"public/a": {"type": "file", "path": "/a"}}})
        payload = hook.task_definition(one.start(instance.context)["taskId"])["payload"]
        assert payload["image"] == "python:3.12"
        assert payload["command"][:2] == [PLAIN_PYTHON, "-c"]
        assert payload["artifacts"] == {
            "public/a": {"type": "file", "path": "/a"},
            OUTCOME: {"type": "file", "path": "/tmp/airflow-function/outcome.json"},
        }

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"task_queue_id": None}, "needs workers to run its function: give task_queue_id"),
            ({"definition": {"payload": {}}}, "definition has a payload, which the function decides"),
            ({"result_artifact": "public/a"}, "the result is what the function returns: leave it out"),
            ({"serializer": "yaml"}, "serializer is 'yaml'"),
            ({"max_run_time": 0}, "max_run_time"),
        ],
    )
    def test_wrong_options_are_refused_when_the_dag_is_parsed(self, operator, options, message):
        with pytest.raises(InvalidInput, match=message):
            operator(add, 1, **options)

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"command": [["true"]]}, "payload has command, which the function decides"),
            ({"maxRunTime": 5}, "payload has maxRunTime, which max_run_time decides"),
            ({"env": ["A"]}, "env of the payload is list: pass dict"),
        ],
    )
    def test_payloads_that_contradict_the_function_are_refused(self, ended, more, message):
        with pytest.raises(AirflowFailException, match=message):
            ended(add, 1, payload=more)

    def test_arguments_that_cannot_be_serialized_are_named(self, ended):
        with pytest.raises(AirflowFailException, match="Arguments 1 cannot be serialized by pickle"):
            ended(add, 1, iter(lambda: 0, 1))

"""The definition of the task that ``TaskclusterRunTaskOperator`` creates: arguments, templates, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import taskcluster
from airflow.providers.common.compat.sdk import DAG, AirflowFailException
from airflow_tries import TaskInstance
from operator_of_a_task import operator, started

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.operators.definition_fields import read_payload

__all__ = ["operator"]

pytestmark = pytest.mark.usefixtures("own_dag_run")


class TestDefinition:
    def test_the_defaults_name_the_task_in_airflow(self, operator, instance, worker):
        task = worker.queue.task(started(operator(), instance))
        assert task["metadata"]["name"] == "a_dag.task"
        assert task["metadata"]["description"] == f"Task task of DAG run {instance.run_id} of a_dag in Airflow"
        assert task["metadata"]["owner"] == "airflow"
        assert task["created"] == instance.context["dag_run"].start_date.isoformat(timespec="milliseconds").replace(
            "+00:00", "Z"
        )

    def test_each_argument_is_in_the_definition(self, operator, instance, worker):
        other = worker.create_task()
        arguments = {
            "payload": {"command": [["echo", ""]], "n": 3},
            "name": "n",
            "description": "d",
            "source": "https://example.com/x",
            "priority": "low",
            "scopes": ["a:b"],
            "routes": "index.a.b",
            "tags": {"kind": "test"},
            "extra": {"a": [1, None, ""]},
            "project_id": "p",
            "scheduler_id": "airflow",
            "task_group_id": taskcluster.slugId(),
        }
        task = worker.queue.task(
            started(operator(dependencies=[other], requires="all-resolved", task_retries=2, **arguments), instance)
        )
        found = {
            "payload": task["payload"],
            **{name: task["metadata"][name] for name in ("name", "description", "source")},
            **{name: task[name] for name in ("priority", "scopes", "tags", "extra")},
            "routes": task["routes"][0],
            "project_id": task["projectId"],
            "scheduler_id": task["schedulerId"],
            "task_group_id": task["taskGroupId"],
        }
        assert found == arguments
        assert (task["dependencies"], task["requires"], task["retries"]) == ([other], "all-resolved", 2)

    def test_a_whole_definition_may_be_given(self, operator, instance, worker):
        definition = {
            "taskQueueId": worker.task_queue_id,
            "payload": {"a": 1},
            "metadata": {"name": "own", "description": "", "owner": "me@example.com", "source": "https://example.com/"},
            "deadline": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
        }
        whole = operator(task_queue_id=None, payload=None, definition=definition)
        task = worker.queue.task(started(whole, instance))
        assert (task["payload"], task["metadata"]["owner"]) == ({"a": 1}, "me@example.com")

    def test_a_payload_may_be_in_a_file(self, operator, instance, worker, tmp_path):
        (tmp_path / "payload.json").write_text('{"command": [["ls"]]}')
        with_file = operator(payload=None, payload_file=str(tmp_path / "payload.json"))
        assert worker.queue.task(started(with_file, instance))["payload"] == {"command": [["ls"]]}

    @pytest.mark.parametrize("content", [None, "", "[]", "{torn"], ids=repr)
    def test_a_payload_file_that_cannot_be_used_is_refused(self, operator, instance, tmp_path, content):
        file = tmp_path / "payload.json"
        if content is not None:
            file.write_text(content)
        with pytest.raises(AirflowFailException, match="payload_file"):
            operator(payload=None, payload_file=str(file)).execute(instance.context)

    @pytest.mark.parametrize(("minutes", "from_start"), [(9, True), (11, False), (-1, False)])
    def test_it_is_created_at_the_start_of_the_run_as_long_as_the_queue_takes_that(
        self, operator, worker, minutes, from_start
    ):
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=minutes)
        task = worker.queue.task(started(operator(), TaskInstance(started=start)))
        assert (datetime.fromisoformat(task["created"]) == start) is from_start

    @pytest.mark.parametrize("change", ["past created", "sealed", "priority"])
    def test_a_task_is_taken_up_where_creating_it_again_would_fail(self, operator, worker, tc, change, created_tasks):
        instance = TaskInstance(started=datetime.now(UTC) - timedelta(minutes=9))
        task_id = started(operator(priority="low"), instance)
        if change == "sealed":
            worker.queue.sealTaskGroup(task_id)
        elif change == "priority":
            worker.queue.changeTaskPriority(task_id, {"newPriority": "medium"})
        with tc.clock.advanced(minutes=10 if change == "past created" else 0):
            assert started(operator(priority="low"), instance) == task_id
        assert created_tasks() == [task_id]

    @pytest.mark.parametrize(
        ("payload", "sentence"),
        [
            ({"a": "\0"}, "NUL"),
            ({"a": "\ud800"}, "surrogate"),
            ({"a": 2**53 + 1}, "over 2"),
            ({"a": "x" * (11 << 20)}, "bytes as JSON"),
        ],
        ids=["nul", "surrogate", "large integer", "11 MiB"],
    )
    def test_what_the_queue_cannot_carry_is_refused_before_it_is_sent(
        self, operator, instance, payload, sentence, created_tasks
    ):
        with pytest.raises(AirflowFailException, match=sentence):
            operator(payload=payload).execute(instance.context)
        assert created_tasks() == []

    def test_it_expires_so_long_after_its_creation(self, operator, instance, worker):
        task = worker.queue.task(started(operator(expires=timedelta(days=3)), instance))
        created, expires = (datetime.fromisoformat(task[name]) for name in ("created", "expires"))
        assert expires - created == timedelta(days=3)

    def test_its_source_is_the_page_in_airflow(self, operator, instance, worker, monkeypatch):
        monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://air.example.com/")
        instance.run_id = "manual__a b"
        source = worker.queue.task(started(operator(), instance))["metadata"]["source"]
        assert source == "https://air.example.com/dags/a_dag/runs/manual__a%20b/tasks/task"

    def test_a_queue_without_workers_is_a_warning(self, operator, instance, caplog):
        started(operator(task_queue_id="my-team/no-such-queue"), instance)
        assert "No worker has a task of queue 'my-team/no-such-queue' at present" in caplog.text

    @pytest.mark.usefixtures("no_anonymous_scopes")
    def test_a_client_that_may_not_read_the_status_gets_an_error_and_no_task(self, operator, holding, instance):
        holding("queue:create-task:*")
        with pytest.raises(AirflowFailException, match="queue:status:"):
            operator("tc_limited").execute(instance.context)


class TestTemplates:
    @pytest.mark.parametrize("native", [True, False], ids=["native", "text"])
    def test_text_in_a_payload_stays_text(self, operator, native):
        payload = {
            "command": [["sleep", "5"], ["echo", "{{ number }}", "True", "[1]", ""]],
            "env": {"CI": "1"},
            "maxRunTime": "{{ number }}",
            "n": 3,
            "whole": "{{ found }}",
        }
        with DAG("rendered", render_template_as_native_obj=native, schedule=None):
            one = operator(payload=payload, tags={"version": "1.10"})
        one.render_template_fields({"number": 60, "found": ["a"]})
        one.check_rendered()
        assert one.payload == {
            "command": [["sleep", "5"], ["echo", "60", "True", "[1]", ""]],
            "env": {"CI": "1"},
            "maxRunTime": "60",
            "n": 3,
            "whole": ["a"] if native else "['a']",
        }
        assert one.tags == {"version": "1.10"}
        assert read_payload(one.payload, None)["maxRunTime"] == 60

    def test_a_payload_may_be_one_template(self, operator):
        with DAG("rendered", render_template_as_native_obj=True, schedule=None):
            one = operator(payload="{{ made }}")
        one.render_template_fields({"made": {"command": [["sleep", "5"]]}})
        one.check_rendered()
        assert read_payload(one.payload, None) == {"command": [["sleep", "5"]]}

    def test_a_template_of_a_payload_that_renders_to_nothing_is_an_error(self, operator, instance):
        with DAG("rendered", schedule=None):
            one = operator(payload="{{ nothing }}")
        one.render_template_fields({"nothing": None})
        with pytest.raises(AirflowFailException, match="payload is 'None': pass a dict"):
            one.execute(instance.context)


class TestArguments:
    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ({"payload": None}, "needs something to run"),
            ({"task_queue_id": None}, "needs something to run"),
            ({"payload_file": "a.json"}, "either payload or payload_file"),
            ({"deadline": 3600}, "pass a timedelta above zero"),
            ({"expires": timedelta()}, "pass a timedelta above zero"),
            ({"retry_on": "faild"}, "retry_on is 'faild'"),
            ({"on_kill": "stop"}, "on_kill is 'stop'"),
            ({"log": "all"}, "log is 'all'"),
            ({"log_lines": 0}, "log_lines"),
            ({"task_retries": 50}, "49 times at most"),
            ({"download": "*"}, "belong together"),
            ({"destination": "/tmp/x"}, "belong together"),
            ({"rerun": "yes"}, "pass True or False"),
        ],
        ids=str,
    )
    def test_a_wrong_argument_is_an_error_when_the_dag_is_parsed(self, operator, arguments, sentence):
        with pytest.raises(InvalidInput, match=sentence):
            operator(**arguments)

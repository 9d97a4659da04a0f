"""Definitions of the tasks that ``TaskclusterRunTaskGroupOperator`` creates: defaults, templates, refusals."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException
from operator_of_a_group import CHAIN, RUN, operator, start

from airflow_provider_taskcluster.exceptions import InvalidInput

__all__ = ["operator"]

pytestmark = pytest.mark.usefixtures("own_dag_run")


class TestDefinitions:
    def test_tasks_take_what_they_leave_out_from_the_operator(self, operator, instance, worker):
        tasks = {
            "short": {
                "payload": '{"maxRunTime": "60"}',
                "name": "n",
                "priority": "low",
                "routes": "index.a.b",
                "task_retries": 2,
                "deadline": timedelta(hours=2),
            },
            "whole": {
                "provisionerId": "tests",
                "workerType": "whole",
                "payload": {"a": 1},
                "metadata": {"name": "w", "owner": "me@example.com"},
                "tags": {"kind": "test"},
                "requires": "all-resolved",
                "dependencies": ["short"],
            },
        }
        one = operator(tasks, project_id="p", priority="medium", deadline=timedelta(hours=3), description="d")
        group = start(one, instance)
        short, whole = (worker.queue.task(group.task_ids[label]) for label in tasks)
        assert (short["taskQueueId"], short["payload"]) == (worker.task_queue_id, {"maxRunTime": 60})
        assert (short["priority"], short["retries"], short["routes"]) == ("low", 2, ["index.a.b"])
        assert (short["metadata"]["name"], short["metadata"]["description"]) == ("n", "d")
        assert (short["projectId"], short["schedulerId"], short["tags"]) == ("p", "airflow", {"label": "short"})
        lifetimes = [
            datetime.fromisoformat(task["deadline"]) - datetime.fromisoformat(task["created"])
            for task in (short, whole)
        ]
        assert lifetimes == [timedelta(hours=2), timedelta(hours=3)]
        assert (whole["taskQueueId"], whole["priority"], whole["tags"]) == (
            "tests/whole",
            "medium",
            {"kind": "test", "label": "whole"},
        )
        assert (whole["metadata"]["name"], whole["metadata"]["owner"]) == ("w", "me@example.com")
        assert (whole["requires"], whole["dependencies"]) == ("all-resolved", [group.task_ids["short"]])
        assert {task["taskGroupId"] for task in (short, whole)} == {group.task_group_id}

    @pytest.mark.parametrize(
        ("tasks", "sentence"),
        [
            ({}, "has no task"),
            ([], "pass a dict"),
            ({"a": []}, "pass a dict, a definition"),
            ({"a": {}}, "has no payload"),
            ({"a": {**RUN, "dependencies": ["b"]}}, "'a' depends on 'b': neither a label"),
            ({"a": {**RUN, "dependencies": ["a"]}}, "in a circle: 'a' -> 'a'"),
            (
                {"a": {**RUN, "dependencies": ["b"]}, "b": {**RUN, "dependencies": ["a"]}},
                r"in a circle: '(a' -> 'b' -> 'a|b' -> 'a' -> 'b)'",
            ),
            ({"a": {**RUN, "dependencies": "b"}, "b": {**RUN, "dependencies": ["c"]}}, "'b' depends on 'c'"),
            ({"a": {**RUN, "task_group_id": "x"}}, "'task_group_id', which is neither"),
            ({"a": {**RUN, "depends": []}}, "'depends', which is neither"),
            ({"a": {**RUN, "deadline": 5}}, "deadline of .* is 5"),
            ({"": RUN}, "is no text"),
            ({1: RUN}, "is no text"),
            ({"a": {"payload": {"x": "{{ ds }}"}, "dependencies": ["b"]}}, "neither a label"),
            ({"a": {"payload": "{{ ds }}", "dependencies": ["a"]}}, "in a circle"),
        ],
        ids=str,
    )
    def test_a_wrong_graph_is_an_error_when_the_dag_is_parsed(self, operator, tasks, sentence, created_tasks):
        with pytest.raises(InvalidInput, match=sentence):
            operator(tasks)
        assert not created_tasks()

    @pytest.mark.parametrize(
        ("tasks", "arguments", "sentence"),
        [
            ({"a": RUN}, {"task_queue_id": None}, "Task 'a' has no queue"),
            ({"a": RUN, "b": {**RUN, "scheduler_id": "other"}}, {}, "one scheduler"),
            ({"a": RUN, "b": {"payload": {"x": "\0"}}}, {}, "NUL"),
        ],
        ids=["queue", "scheduler", "nul"],
    )
    def test_what_the_queue_would_refuse_is_not_sent(
        self, operator, instance, tasks, arguments, sentence, created_tasks
    ):
        with pytest.raises(AirflowFailException, match=sentence):
            operator(tasks, **arguments).execute(instance.context)
        assert not created_tasks()

    def test_templates_are_rendered(self, operator, instance, worker):
        with DAG("rendered", schedule=None):
            one = operator(
                {"a": {"payload": {"n": "{{ number }}", "k": 3}}, "b": {**RUN, "dependencies": ["{{ 'a' }}"]}}
            )
        one.render_template_fields({"number": 60})
        one.check_rendered()
        group = start(one, instance)
        assert worker.queue.task(group.task_ids["a"])["payload"] == {"n": "60", "k": 3}
        assert worker.queue.task(group.task_ids["b"])["dependencies"] == [group.task_ids["a"]]

    def test_a_graph_may_come_from_an_xcom(self, operator):
        with DAG("rendered", schedule=None, render_template_as_native_obj=True):
            one = operator("{{ graph }}")
        one.render_template_fields({"graph": CHAIN})
        one.check_rendered()
        assert one.tasks == CHAIN

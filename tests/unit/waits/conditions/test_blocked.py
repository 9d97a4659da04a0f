"""Which unscheduled tasks are blocked, by what is known of the tasks they depend on."""

from __future__ import annotations

import pytest

from airflow_provider_taskcluster.waits.conditions.tasks import TaskWait
from airflow_provider_taskcluster.waits.protocol import Look, NotYet, Over
from airflow_provider_taskcluster.waits.questions import DependencyStatus, RequirementsOf, StatusOf

ROOT = "https://tc.example.com"


def status(task_id, *states):
    runs = [{"runId": number, "state": state} for number, state in enumerate(states)]
    return {"taskId": task_id, "state": states[-1] if states else "unscheduled", "runs": runs}


def look(requirements, runs, memory=None, **wait):
    """The verdict on task "a", and the questions.

    :param requirements: Dependencies of each task, None without the scope to read them.
    :param runs: States of the runs of each task.
    """
    wait = TaskWait(**{"task_ids": ["a"], "states": ["completed"], **wait})
    found = {task_id: status(task_id, *states) for task_id, states in runs.items()}
    going, asked = Look(wait, ROOT, memory), []
    while going.verdict is None:
        asked += going.questions
        going.answer(
            {
                question: requirements[question.task_id]
                if isinstance(question, RequirementsOf)
                else found.get(question.task_id)
                for question in going.questions
            }
        )
    return going.verdict, asked


@pytest.mark.parametrize("end", ["failed", "exception"])
def test_a_task_behind_one_that_failed_is_blocked(end):
    verdict, _ = look({"a": ["b", "c"]}, {"a": [], "b": ["running"], "c": [end]})
    assert isinstance(verdict, Over)
    assert "Task a is not completed and will not be: it is blocked by task c, of which run 0 is " in str(verdict.error)


def test_it_is_blocked_through_tasks_in_between():
    requirements = {"a": ["b"], "b": ["c"], "c": ["d"]}
    assert isinstance(look(requirements, {"a": [], "b": [], "c": [], "d": ["failed"]})[0], Over)
    assert isinstance(look(requirements, {"a": [], "b": [], "c": [], "d": ["running"]})[0], NotYet)


@pytest.mark.parametrize("runs", [["completed"], ["completed", "failed"], ["failed", "running"], ["pending"]], ids=str)
def test_it_is_not_blocked_by_a_task_that_has_completed_or_may_still(runs):
    assert isinstance(look({"a": ["b"]}, {"a": [], "b": runs})[0], NotYet)


@pytest.mark.parametrize("wait", [{"states": ["exception"]}, {"wait_for_rerun": True}], ids=str)
def test_a_wait_that_can_still_be_met_does_not_ask(wait):
    verdict, asked = look({"a": ["b"]}, {"a": [], "b": ["failed"]}, **wait)
    assert isinstance(verdict, NotYet)
    assert asked == [StatusOf("a")]


def test_without_scopes_nothing_is_known():
    assert isinstance(look({"a": None}, {"a": []})[0], NotYet)
    assert isinstance(look({"a": ["unseen"]}, {"a": []})[0], NotYet)


def test_a_task_that_waits_for_itself_is_not_blocked():
    assert isinstance(look({"a": ["a"]}, {"a": []})[0], NotYet)


def test_definitions_are_asked_for_once_and_only_of_unscheduled_tasks():
    states = {"a": [], "b": ["completed"], "c": ["running"]}
    verdict, asked = look({"a": ["b", "c"]}, states)
    assert asked == [StatusOf("a"), RequirementsOf("a"), DependencyStatus("b"), DependencyStatus("c")]
    _, again = look({}, states, verdict.memory)
    assert again == [StatusOf("a"), DependencyStatus("c")]
    assert look({}, {"a": ["running"]})[1] == [StatusOf("a")]


def test_any_task_may_still_come_when_one_is_blocked():
    states = {"a": [], "b": ["failed"], "x": ["running"]}
    tasks = {"task_ids": ["a", "x"]}
    assert isinstance(look({"a": ["b"]}, states, **tasks, require="any")[0], NotYet)
    assert isinstance(look({"a": ["b"]}, states, **tasks)[0], Over)
    assert isinstance(look({"a": ["b"]}, {**states, "x": ["failed"]}, **tasks, require="any")[0], Over)

"""Which unscheduled tasks are blocked, by what is known of the tasks they depend on."""

from __future__ import annotations

from itertools import pairwise

import pytest

from airflow_provider_taskcluster.waits.conditions.artifacts import ArtifactWait
from airflow_provider_taskcluster.waits.conditions.tasks import TaskGroupWait, TaskWait
from airflow_provider_taskcluster.waits.protocol import Look, NotYet, Over
from airflow_provider_taskcluster.waits.questions import DependencyStatus, GroupOf, RequirementsOf, StatusOf

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
    return talk(wait, requirements, runs, memory)


def look_at_artifact(requirements, runs, memory=None, **wait):
    return talk(ArtifactWait(**{"task_id": "a", "names": ["n"], **wait}), requirements, runs, memory)


def look_at_group(requirements, runs, outside=None, memory=None, **wait):
    """The verdict on the group of all tasks but those ``outside``."""
    listed = [
        {**status(task_id, *states), **({} if states else {"required": requirements.get(task_id, [])})}
        for task_id, states in runs.items()
    ]
    wait = TaskGroupWait(**{"task_group_id": "g", "states": ["completed", "failed"], **wait})
    return talk(wait, {}, {**runs, **(outside or {})}, memory, group=listed)


def talk(wait, requirements, runs, memory, group=None):
    found = {task_id: status(task_id, *states) for task_id, states in runs.items()}
    going, asked = Look(wait, ROOT, memory), []
    while going.verdict is None:
        asked += going.questions
        going.answer(
            {
                question: group
                if isinstance(question, GroupOf)
                else requirements[question.task_id]
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


def test_a_task_that_this_look_has_read_is_not_asked_for_again():
    states = {"a": [], "b": [], "c": ["failed"]}
    tasks = {"task_ids": ["a", "b"]}
    verdict, asked = look({"a": ["b"], "b": ["c"]}, states, **tasks)
    assert isinstance(verdict, Over)
    asked_once = [StatusOf("a"), StatusOf("b"), RequirementsOf("a"), RequirementsOf("b"), DependencyStatus("c")]
    assert asked == asked_once


def test_a_long_chain_is_followed_in_one_look_of_the_list():
    chain = [str(number) for number in range(5000)]
    runs = {**{task_id: [] for task_id in chain}, chain[-1]: ["failed"]}
    verdict, _ = look_at_group({task_id: [name] for task_id, name in pairwise(chain)}, runs)
    assert "Task 0 (and 4998 more) is not completed or failed and will not be: it is blocked by" in str(verdict.error)


@pytest.mark.parametrize("run_id", [None, 0, 1])
def test_an_artifact_of_a_blocked_task_will_not_come(run_id):
    verdict, _ = look_at_artifact({"a": ["b"], "b": ["c"]}, {"a": [], "b": [], "c": ["failed"]}, run_id=run_id)
    assert isinstance(verdict, Over)
    said = "Task a has no artifact 'n', and will not: it is blocked by task c, of which run 0 is failed"
    assert str(verdict.error).startswith(said)


def test_an_artifact_that_may_still_come_is_waited_for_with_one_question_more():
    requirements, states = {"a": ["b", "c"]}, {"a": [], "b": ["completed"], "c": ["running"]}
    verdict, asked = look_at_artifact(requirements, states)
    assert isinstance(verdict, NotYet)
    assert asked == [StatusOf("a"), RequirementsOf("a"), DependencyStatus("b"), DependencyStatus("c")]
    verdict, asked = look_at_artifact({}, states, verdict.memory)
    assert asked == [StatusOf("a"), DependencyStatus("c")]
    assert look_at_artifact({}, {"a": ["pending"]}, verdict.memory)[1] == [StatusOf("a")]
    verdict, asked = look_at_artifact(requirements, {**states, "c": ["failed"]}, wait_for_rerun=True)
    assert (type(verdict), asked) == (NotYet, [StatusOf("a")])


def test_a_group_with_a_blocked_task_will_not_end_as_it_should():
    verdict, asked = look_at_group({"a": ["b"]}, {"a": [], "b": ["failed"], "c": ["running"]})
    assert isinstance(verdict, Over)
    assert "Task a is not completed or failed and will not be: it is blocked by task b" in str(verdict.error)
    assert asked == [GroupOf("g")]


def test_only_tasks_of_other_groups_are_asked_for():
    outside = {"x": ["running"]}
    verdict, asked = look_at_group({"a": ["b", "x"]}, {"a": [], "b": ["running"]}, outside)
    assert isinstance(verdict, NotYet)
    assert asked == [GroupOf("g"), DependencyStatus("x")]
    states = {"a": [], "b": ["running"]}
    verdict, asked = look_at_group({}, states, outside, verdict.memory)
    assert (type(verdict), asked) == (NotYet, [StatusOf("a"), StatusOf("b"), DependencyStatus("x")])
    verdict, _ = look_at_group({}, states, {"x": ["failed"]}, verdict.memory)
    assert "blocked by task x" in str(verdict.error)


def test_a_group_without_unscheduled_tasks_is_asked_for_nothing_more():
    states = {"a": ["pending"], "b": ["running"]}
    verdict, asked = look_at_group({}, states)
    assert asked == [GroupOf("g")]
    assert look_at_group({}, states, memory=verdict.memory)[1] == [StatusOf("a"), StatusOf("b")]


@pytest.mark.parametrize("wait", [{"states": ["exception", "failed"]}, {"wait_for_rerun": True}], ids=str)
def test_a_group_that_can_still_end_as_it_should_is_waited_for(wait):
    outside = {"x": ["failed"]}
    verdict, asked = look_at_group({"a": ["x"]}, {"a": []}, outside, **wait)
    assert (type(verdict), asked) == (NotYet, [GroupOf("g")])
    assert look_at_group({}, {"a": []}, outside, verdict.memory, **wait)[1] == [StatusOf("a")]

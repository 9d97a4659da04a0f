"""The wait for the ends of the tasks of a sealed group."""

from __future__ import annotations

from airflow_provider_taskcluster.waits.conditions.group_runs import GroupRunWait
from airflow_provider_taskcluster.waits.protocol import Found, Look, NotYet, Over
from airflow_provider_taskcluster.waits.questions import DependencyStatus, GroupOf, StatusOf

ROOT = "https://tc.example.com"


def status(name, state="pending", runs=1, **more):
    last = {"runId": runs - 1, "state": state}
    if state in {"completed", "failed", "exception"}:
        last |= {
            "reasonResolved": state if state != "exception" else "canceled",
            "resolved": f"2026-01-01T00:00:0{runs}Z",
        }
    earlier = [{"runId": number, "state": "failed", "reasonResolved": "failed"} for number in range(runs - 1)]
    return {"taskId": name, "state": state, "runs": [] if state == "unscheduled" else [*earlier, last], **more}


def listed(name, state="pending", required=(), runs=1):
    more = {"required": list(required)} if state == "unscheduled" else {}
    return status(name, state, runs, label=f"label {name}", **more)


def look(answers, memory=None, **wait):
    """Look with the answers to all questions but those about the group, which come first."""
    found = Look(GroupRunWait(task_group_id="G", **wait), ROOT, memory)
    asked = []
    while found.verdict is None:
        asked += found.questions
        found.answer({question: answers.get(question) for question in found.questions})
    return found.verdict, asked


def group(*tasks):
    return {GroupOf("G"): list(tasks)}


def statuses(*tasks):
    return {StatusOf(task["taskId"]): task for task in tasks}


def test_the_list_is_read_once_and_then_only_what_has_not_completed():
    first, asked = look(group(listed("a", "completed"), listed("b", "running"), listed("c", "unscheduled", ["b"])))
    assert asked == [GroupOf("G")]
    assert isinstance(first, NotYet)
    assert first.why == "2 of 3 tasks of group G have not completed: 1 running, 1 unscheduled"
    second, asked = look(statuses(status("b", "completed"), status("c")), first.memory)
    assert asked == [StatusOf("b"), StatusOf("c")]
    third, asked = look(statuses(status("c", "completed")), second.memory)
    assert asked == [StatusOf("c")]
    assert isinstance(third, Found)
    assert [len(verdict.news) for verdict in (first, second, third)] == [1, 1, 1]
    assert third.news == [
        f"Task 'label c' (c): run 0 is completed (completed), its log: {ROOT}/tasks/c/runs/0/logs/public/logs/live.log"
    ]


def test_a_rerun_that_ends_has_another_line():
    first, _ = look(group(listed("a", "failed"), listed("b")), fail_fast=False)
    second, _ = look(statuses(status("a", "failed"), status("b")), first.memory, fail_fast=False)
    third, _ = look(statuses(status("a", "pending", 2), status("b")), second.memory, fail_fast=False)
    fourth, _ = look(statuses(status("a", "completed", 2), status("b")), third.memory, fail_fast=False)
    assert [len(verdict.news) for verdict in (first, second, third, fourth)] == [1, 0, 0, 1]


def test_lines_come_in_the_order_of_the_ends():
    first, _ = look(group(listed("z", "completed", runs=1), listed("a", "completed", runs=2), listed("b")))
    assert ["label z" in line for line in first.news] == [True, False]


def test_tasks_behind_a_failure_do_not_hold_up_the_end():
    tasks = group(
        listed("a", "failed"),
        listed("b", "unscheduled", ["a"]),
        listed("c", "unscheduled", ["b"]),
        listed("d", "completed"),
    )
    verdict, asked = look(tasks, fail_fast=False)
    assert isinstance(verdict, Over)
    assert asked == [GroupOf("G")]
    assert str(verdict.error).startswith(
        f"3 of 4 tasks of group {ROOT}/tasks/groups/G did not complete. Task 'label a'"
    )
    assert str(verdict.error).endswith("tasks that are blocked and will not run: 2")


def test_others_are_waited_for_if_asked_for():
    tasks = group(listed("a", "failed"), listed("b", "unscheduled", ["a"]), listed("c", "running"))
    assert isinstance(look(tasks)[0], Over)
    first, _ = look(tasks, fail_fast=False)
    assert isinstance(first, NotYet)
    end = statuses(status("a", "failed"), status("b", "unscheduled"), status("c", "completed"))
    assert isinstance(look(end, first.memory, fail_fast=False)[0], Over)


def test_what_must_only_be_resolved_is_not_blocked():
    tasks = group(listed("a", "failed"), listed("cleanup", "unscheduled"))
    assert isinstance(look(tasks, fail_fast=False)[0], NotYet)


def test_the_error_names_the_task_next_to_a_failure_outside_of_the_group():
    tasks = group(listed("a", "unscheduled", ["b"]), listed("b", "unscheduled", ["out"]))
    verdict, _ = look({**tasks, DependencyStatus("out"): status("out", "failed")})
    assert isinstance(verdict, Over)
    assert "Task 'label b' (b) will not run: it is blocked by task out" in str(verdict.error)


def test_a_failure_outside_of_the_group_comes_late():
    tasks = group(listed("a", "unscheduled", ["out"]))
    first, _ = look({**tasks, DependencyStatus("out"): status("out", "running")})
    assert isinstance(first, NotYet)
    answers = {**statuses(status("a", "unscheduled")), DependencyStatus("out"): status("out", "failed")}
    assert isinstance(look(answers, first.memory)[0], Over)


def test_a_group_or_task_that_is_gone_ends_the_wait():
    verdict, _ = look({})
    assert "no task group G" in str(verdict.error)
    first, _ = look(group(listed("a")))
    assert "no task a" in str(look({}, first.memory)[0].error)


def test_labels_are_made_fit_for_a_log():
    verdict, _ = look(group(status("a", "failed", label="x\n\x1b[31m")))
    assert verdict.news[0].isprintable()
    assert str(verdict.error).isprintable()

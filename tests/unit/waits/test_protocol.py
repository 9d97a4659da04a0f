"""Waits without I/O: their queries, and their verdicts on the responses."""

from __future__ import annotations

import json

import pytest

from airflow_provider_taskcluster.exceptions import (
    ArtifactError,
    InsufficientScopes,
    InvalidInput,
    ServiceUnavailable,
    WillNotCome,
)
from airflow_provider_taskcluster.waits.conditions.artifacts import MOST_MATCHES, ArtifactWait
from airflow_provider_taskcluster.waits.conditions.index import IndexWait
from airflow_provider_taskcluster.waits.conditions.objects import ObjectWait
from airflow_provider_taskcluster.waits.conditions.tasks import TaskGroupWait, TaskWait
from airflow_provider_taskcluster.waits.protocol import Found, Look, NotYet, Over
from airflow_provider_taskcluster.waits.questions import (
    ArtifactsOf,
    GroupOf,
    IndexedAt,
    InfoOf,
    MetadataOf,
    ReasonOf,
    RequirementsOf,
    StatusOf,
)
from airflow_provider_taskcluster.waits.serialization import deserialize_wait, serialize_wait

ROOT = "https://tc.example.com"
TASK = "fN1SbArXTPSVFNUvaOlinQ"


def status(*states, task_id=TASK, reason="scheduled"):
    """A task whose runs are in these states."""
    runs = [
        {
            "runId": number,
            "state": state,
            "reasonCreated": reason,
            "scheduled": "2026-01-01T00:00:00.000Z",
            **({} if state == "pending" else {"started": "2026-01-01T01:00:00.000Z"}),
            **({"resolved": "2026-01-01T02:00:00.000Z", "reasonResolved": f"it-{state}"} if state[0] in "cfe" else {}),
        }
        for number, state in enumerate(states)
    ]
    return {"taskId": task_id, "state": states[-1] if states else "unscheduled", "runs": runs}


def artifact(name, storage_type="s3", content_type="text/plain", length=10):
    sizes = {} if length is None else {"contentLength": length}
    return {"name": name, "storageType": storage_type, "contentType": content_type, "expires": "2030", **sizes}


def talk(wait, answers, memory=None):
    """The verdict, and all questions in their order."""
    going, asked = Look(wait, ROOT, memory), []
    while going.verdict is None:
        asked += going.questions
        going.answer({question: answers.get(question) for question in going.questions})
    return going.verdict, asked


def of_task(found, *listed, infos=(), reasons=None, run_id=None):
    latest = run_id if run_id is not None else len(found["runs"]) - 1
    return {
        StatusOf(TASK): found,
        ArtifactsOf(TASK, latest): list(listed),
        **{InfoOf(TASK, latest, info["name"]): info for info in infos},
        **{ReasonOf(TASK, latest, name): told for name, told in (reasons or {}).items()},
    }


def wait_for(*names, **options):
    return ArtifactWait(task_id=TASK, names=list(names), **options)


def verdict_of(wait, answers):
    return talk(wait, answers)[0]


@pytest.mark.parametrize("states", [(), ("pending",), ("exception", "pending")])
def test_a_task_that_can_have_no_artifacts_is_not_asked_for_them(states):
    verdict, asked = talk(wait_for("a"), {StatusOf(TASK): status(*states)})
    assert isinstance(verdict, NotYet)
    what_an_unscheduled_task_waits_for = [] if states else [RequirementsOf(TASK)]
    assert asked == [StatusOf(TASK), *what_an_unscheduled_task_waits_for]


def test_a_list_entry_of_an_object_is_not_presence():
    listed = artifact("a", "object")
    running = status("running")
    assert isinstance(verdict_of(wait_for("a"), of_task(running, listed)), NotYet)
    assert isinstance(verdict_of(wait_for("a"), of_task(running, listed, infos=[listed])), Found)
    over = verdict_of(wait_for("a"), of_task(status("completed"), listed))
    assert isinstance(over.error, WillNotCome)


@pytest.mark.parametrize("state", ["completed", "failed", "exception"])
def test_a_task_that_is_resolved_without_it_ends_the_wait_with_what_happened(state):
    over = verdict_of(wait_for("a"), of_task(status(state)))
    assert isinstance(over, Over)
    assert f"run 0 is {state} (it-{state})" in str(over.error)
    assert f"{ROOT}/tasks/{TASK}/runs/0/logs/public/logs/live.log" in str(over.error)
    assert isinstance(verdict_of(wait_for("a", wait_for_rerun=True), of_task(status(state))), NotYet)


def test_a_run_that_ended_without_it_is_listed_once_while_a_rerun_is_waited_for():
    wait = wait_for("a", wait_for_rerun=True)
    verdict, asked = talk(wait, of_task(status("failed")))
    assert asked == [StatusOf(TASK), ArtifactsOf(TASK, 0)]
    verdict, asked = talk(wait, of_task(status("failed")), verdict.memory)
    assert (type(verdict), asked) == (NotYet, [StatusOf(TASK)])
    verdict, asked = talk(wait, of_task(status("failed", "running"), artifact("a")), verdict.memory)
    assert isinstance(verdict, Found)


def test_a_run_that_was_named_is_over_when_it_is_resolved_whatever_comes_after():
    answers = of_task(status("exception", "running"), run_id=0)
    assert isinstance(verdict_of(wait_for("a", run_id=0, wait_for_rerun=True), answers), Over)
    assert isinstance(verdict_of(wait_for("a"), of_task(status("exception", "running"))), NotYet)


def test_a_run_that_is_not_there_may_come_while_the_task_is_open():
    assert isinstance(verdict_of(wait_for("a", run_id=1), {StatusOf(TASK): status("running")}), NotYet)
    assert isinstance(verdict_of(wait_for("a", run_id=1), {StatusOf(TASK): status("failed")}), Over)
    assert isinstance(
        verdict_of(wait_for("a", run_id=1, wait_for_rerun=True), {StatusOf(TASK): status("failed")}), NotYet
    )


def test_an_error_ends_the_wait_with_its_reason():
    told = {"a": {"reason": "file-missing-on-worker", "message": "no such\nfile"}}
    answers = of_task(status("running"), artifact("a", "error"), reasons=told)
    over = verdict_of(wait_for("a"), answers)
    assert isinstance(over.error, ArtifactError)
    assert over.error.reason == "file-missing-on-worker"
    assert r"no such\nfile" in str(over.error)
    assert isinstance(verdict_of(wait_for("a", wait_for_rerun=True), answers), NotYet)
    assert isinstance(verdict_of(wait_for("a", "b", require="any"), answers), NotYet)
    unread = verdict_of(wait_for("a"), of_task(status("running"), artifact("a", "error")))
    assert "queue:get-artifact:a" in str(unread.error)


def test_conditions():
    running = of_task(status("running"), artifact("a", content_type="text/html; charset=utf-8", length=10))
    for options, fits in [
        ({"content_type": "text/html"}, True),
        ({"content_type": "text/html; charset=utf-8"}, True),
        ({"content_type": "text/plain"}, False),
        ({"min_length": 10}, True),
        ({"min_length": 11}, False),
    ]:
        assert isinstance(verdict_of(wait_for("a", **options), running), Found if fits else NotYet), options
    unknown = of_task(status("running"), artifact("a", length=None))
    assert isinstance(verdict_of(wait_for("a", min_length=10), unknown), Found)
    over = verdict_of(wait_for("a", min_length=11), of_task(status("completed"), artifact("a")))
    assert "length asked for" in str(over.error)
    assert "length asked for yet: run 0 is running" in verdict_of(wait_for("a", min_length=11), running).why
    assert "asked for" not in verdict_of(wait_for("b"), running).why


def test_a_glob_wants_one_match_and_looks_at_some_only():
    listed = [artifact(f"public/{number:04d}.txt", "object") for number in range(MOST_MATCHES * 3)]
    last = artifact("public/z/last.zip")
    wait = wait_for(globs=["public/*.txt", "public/*.zip"])
    verdict, asked = talk(wait, of_task(status("running"), *listed, last, infos=listed))
    assert isinstance(verdict, Found)
    assert len(verdict.result["artifacts"]) == MOST_MATCHES + 1
    assert len(asked) == MOST_MATCHES + 2
    assert isinstance(verdict_of(wait, of_task(status("running"), last)), NotYet)


def test_states_that_were_passed_were_reached():
    for state, found, reached in [
        ("running", status("completed"), True),
        ("running", status("pending"), False),
        ("pending", status("running"), True),
        ("unscheduled", status(), True),
        ("pending", status(), False),
        ("completed", status("exception", "running"), False),
    ]:
        verdict = verdict_of(TaskWait(task_ids=[TASK], states=[state]), {StatusOf(TASK): found})
        assert isinstance(verdict, Found if reached else NotYet), (state, found["state"])


def test_tasks_that_were_missed():
    other = "abcdefghQ-CgabcdefghQg"
    answers = {StatusOf(TASK): status("failed"), StatusOf(other): status("running", task_id=other)}
    both = {"task_ids": [TASK, other], "states": ["completed"]}
    assert isinstance(verdict_of(TaskWait(**both), answers), Over)
    assert isinstance(verdict_of(TaskWait(**both, require="any"), answers), NotYet)
    assert isinstance(verdict_of(TaskWait(**both, wait_for_rerun=True), answers), NotYet)
    assert isinstance(verdict_of(TaskWait(**both), {StatusOf(other): status("completed")}), Over), "unknown"


def test_a_group_is_listed_again_when_all_that_were_open_are_resolved():
    wait = TaskGroupWait(task_group_id=TASK, states=["completed", "failed"])
    second = "abcdefghQ-CgabcdefghQg"
    group = GroupOf(TASK)
    verdict, asked = talk(wait, {group: [status("completed"), status("running", task_id=second)]})
    assert (list(verdict.memory), asked) == ([second], [group])
    verdict, asked = talk(wait, {StatusOf(second): status("running", task_id=second)}, verdict.memory)
    assert (list(verdict.memory), asked) == ([second], [StatusOf(second)])
    done = [status("completed"), status("failed", task_id=second)]
    verdict, asked = talk(wait, {StatusOf(second): done[1], group: done}, verdict.memory)
    assert asked == [StatusOf(second), group]
    assert verdict.result == {"task_group_id": TASK, "count": 2, "states": {"completed": 1, "failed": 1}}
    only = TaskGroupWait(task_group_id=TASK, states=["completed"])
    assert isinstance(verdict_of(only, {group: done}), Over)
    assert isinstance(verdict_of(only, {}), Over), "there is no such group"


def test_an_index_entry_must_be_newer():
    entry = {"taskId": TASK, "rank": 0, "expires": "2030", "data": {}}
    path = IndexedAt("a.b")
    assert isinstance(verdict_of(IndexWait(index_path="a.b"), {}), NotYet)
    verdict, asked = talk(IndexWait(index_path="a.b"), {path: entry})
    assert isinstance(verdict, Found)
    assert asked == [path]
    answers = {path: entry, StatusOf(TASK): status("completed")}
    for newer_than, kind in [("2026-01-01T01:59:59+00:00", Found), ("2026-01-01T03:00:00+01:00", NotYet)]:
        assert isinstance(verdict_of(IndexWait(index_path="a.b", newer_than=newer_than), answers), kind)


def test_an_error_that_may_pass_ends_the_look_and_another_the_wait():
    wait = ObjectWait(names=["a", "b"])
    busy, refused = ServiceUnavailable("busy"), InsufficientScopes("no scope")
    verdict = verdict_of(wait, {MetadataOf("a"): busy})
    assert (type(verdict), verdict.error) == (NotYet, busy)
    verdict = verdict_of(wait, {MetadataOf("a"): busy, MetadataOf("b"): refused})
    assert (type(verdict), verdict.error) == (Over, refused)


def test_what_was_remembered_outlives_a_look_that_came_to_nothing():
    wait = TaskGroupWait(task_group_id=TASK, states=["completed"])
    verdict = talk(wait, {StatusOf(TASK): ServiceUnavailable("busy")}, [TASK])[0]
    assert verdict.memory == [TASK]


@pytest.mark.parametrize(
    "wait",
    [
        wait_for("a", globs=["b*"], run_id=1, min_length=2),
        ObjectWait(names=["a"], require="any"),
        TaskWait(task_ids=[TASK], states=["failed"]),
        TaskGroupWait(task_group_id=TASK, states=["completed"]),
        IndexWait(index_path="a.b", newer_than="2026-01-01T00:00:00+00:00"),
    ],
    ids=lambda wait: type(wait).__name__,
)
def test_a_wait_survives_json(wait):
    assert deserialize_wait(json.loads(json.dumps(serialize_wait(wait)))) == wait


def test_a_description_that_nobody_knows_is_refused():
    for unknown in ({"kind": "other"}, {}, {"kind": "object", "other": 1}):
        with pytest.raises(InvalidInput, match="knows no wait"):
            deserialize_wait(unknown)

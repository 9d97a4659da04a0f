"""Calls whose response was lost can be repeated without effect."""

from __future__ import annotations

import os

import pytest
from multipart_tries import DATA, IN_PARTS

from airflow_provider_taskcluster.emulator.store.faults import Status
from airflow_provider_taskcluster.exceptions import ServiceUnavailable

WAYS = {"inline": (b"small", {}), "by PUT": (os.urandom(20_000), {}), "in parts": (DATA, IN_PARTS)}


@pytest.fixture
def lose(tc):
    """Have answers to a call lost, after the service has done what it says: so many, or those of one name in a row."""
    rules = []

    def begin(call, count):
        left = [count]

        def lost(_, called, *__):
            if called == call and left[0]:
                left[0] -= 1
                raise ConnectionResetError("the answer is lost")

        rules.append(lost)
        tc.observers.append(lost)

    yield begin
    for rule in rules:
        tc.observers.remove(rule)


def statuses(tc, route):
    return [entry.status for entry in tc.journal.entries(origin="api", path=f"/{route}/")]


@pytest.mark.parametrize("call", ["createUpload", "finishUpload"])
@pytest.mark.parametrize(("data", "options"), WAYS.values(), ids=WAYS)
def test_a_call_whose_answer_is_lost_is_repeated(hook, name, expires, tc, lose, data, options, call):
    lose(call, 2)
    result = hook.upload_object(data, name, expires=expires, **options)
    assert not result.already_present
    route = {"createUpload": "upload", "finishUpload": "finish-upload"}[call]
    answers = [status for status in statuses(tc, route) if status != 404]  # the look before parts
    assert (answers.count(500), answers[-1]) == (2, 200)
    assert hook.read_object(name) == data


@pytest.mark.parametrize(("status", "calls"), [(500, 3), (503, 2)])
def test_only_after_500s_one_more_call_finds_out(connect, name, expires, tc, status, calls):
    tc.api_faults.add(Status(status), method="POST", path="/finish-upload/", times=100)
    with pytest.raises(ServiceUnavailable):
        connect(extra={"max_retries": 1}).upload_object(b"small", name, expires=expires)
    assert statuses(tc, "finish-upload") == [status] * calls


@pytest.mark.parametrize("count", [1, 3])
def test_a_finish_artifact_whose_answer_is_lost_is_looked_into(hook, run, expires, tc, lose, count):
    lose("finishArtifact", count)
    hook.upload_artifact(b"small", run.task_id, run.run_id, "public/a", expires=expires)
    finished = tc.journal.entries(origin="api", method="PUT", path="/artifacts/public%2Fa")
    assert [entry.status for entry in finished] == [500]
    assert hook.read_artifact(run.task_id, "public/a") == b"small"


@pytest.mark.parametrize("if_exists", ["verify", "skip"])
@pytest.mark.parametrize(("data", "options"), WAYS.values(), ids=WAYS)
def test_when_all_answers_to_the_last_call_are_lost_the_next_try_finds_it_done(
    connect, name, expires, tc, lose, data, options, if_exists
):
    """All retries of the object's finishUpload, or of its first part's: that part is there then."""
    lose("finishUpload", 4)
    with pytest.raises(ServiceUnavailable):
        connect(extra={"max_retries": 2}).upload_object(data, name, expires=expires, **{**options, "connections": 1})
    assert statuses(tc, "finish-upload").count(500) == 4, "the last one was looked into"
    tc.journal.clear()
    again = connect().upload_object(data, name, expires=expires, if_exists=if_exists, **{**options, "connections": 1})
    assert again.already_present == (not options)
    assert len(tc.journal.entries(origin="store", method="PUT")) == (3 + 1 if options else 0)
    assert connect().read_object(name) == data

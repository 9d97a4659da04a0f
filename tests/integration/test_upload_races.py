"""Two workers upload the same content at once; errors of the services to one of them may be false."""

from __future__ import annotations

import os
import threading

import pytest
import taskcluster
from multipart_tries import DATA, IN_PARTS

from airflow_provider_taskcluster.emulator.store.faults import Overtaken, Status
from airflow_provider_taskcluster.exceptions import Conflict, ServiceUnavailable, StoreError

WAYS = {"inline": (b"small", {}), "by PUT": (os.urandom(20_000), {}), "in parts": (DATA, IN_PARTS)}
CONFLICT = Overtaken(409, "RequestConflict", "Object already exists")
FINISHED = Overtaken(500, "InternalServerError", "already finished")

ways = pytest.mark.parametrize(("data", "options"), WAYS.values(), ids=WAYS)


@pytest.fixture
def races(tc):
    return tc.api_faults


@pytest.fixture
def once(connect):
    """A hook that tries nothing again by itself."""
    return connect(extra={"max_retries": 0})


@ways
@pytest.mark.parametrize("if_exists", ["verify", "skip", "fail"])
def test_a_conflict_of_the_first_call_that_is_none_is_not_believed(
    once, races, name, expires, data, options, if_exists
):
    races.add(CONFLICT, method="PUT", path="/object/v1/upload/")
    result = once.upload_object(data, name, expires=expires, if_exists=if_exists, **options)
    assert not result.already_present
    assert once.read_object(name) == data


@ways
def test_the_one_that_comes_second_finds_what_the_first_has_finished(once, races, name, expires, data, options):
    once.upload_object(data, name, expires=expires, **options)
    races.add(CONFLICT, method="PUT", path="/object/v1/upload/")
    assert once.upload_object(data, name, expires=expires, **options).already_present


def test_a_part_that_is_there_costs_two_calls(once, name, expires, tc):
    """The conflict is believed at once where finishUpload with the same hashes is taken."""
    tc.faults.add(Status(500), method="PUT", nth=3)
    with pytest.raises(StoreError):
        once.upload_object(DATA, name, expires=expires, **{**IN_PARTS, "connections": 1})
    tc.journal.clear()
    once.upload_object(DATA, name, expires=expires, **{**IN_PARTS, "connections": 1})
    first = [entry.method for entry in tc.journal.entries(origin="api", path=".part-") if entry.path.endswith("00000")]
    assert first == ["PUT", "POST"]


def test_a_conflict_that_stays_is_one(once, races, name, expires):
    once.upload_object(b"other", name, expires=expires)
    with pytest.raises(Conflict, match="exists with other content"):
        once.upload_object(b"small", name, expires=expires)


@ways
def test_a_finish_upload_that_somebody_else_has_made_is_no_failure(once, races, name, expires, data, options):
    races.add(FINISHED, path="/finish-upload/", nth=2 if options else 1)  # the first one looks what is there
    once.upload_object(data, name, expires=expires, **options)
    assert once.read_object(name) == data


def test_a_finish_upload_that_fails_each_time_fails(once, races, name, expires):
    races.add(Status(500), path="/finish-upload/", times=9)
    with pytest.raises(ServiceUnavailable):
        once.upload_object(b"small", name, expires=expires)


@pytest.mark.parametrize("fault", [CONFLICT, FINISHED], ids=["create", "finish"])
def test_artifacts_are_uploaded_through_them(once, races, run, expires, fault):
    races.add(fault, path="/object/v1/upload/" if fault is CONFLICT else "/finish-upload/")
    once.upload_artifact(b"small", run.task_id, run.run_id, "public/a", expires=expires)
    assert once.read_artifact(run.task_id, "public/a") == b"small"


def test_calls_by_hand_meet_them_too(once, races, name, expires):
    races.add(CONFLICT, method="PUT", path="/object/v1/upload/")
    races.add(FINISHED, path="/finish-upload/")
    identity = {"upload_id": taskcluster.slugId()}
    inline = {"dataInline": {"contentType": "text/plain", "objectData": "eA=="}}
    once.create_upload(name, **identity, expires=expires, proposed_upload_methods=inline)
    once.finish_upload(name, **identity)
    assert once.read_object(name, require_hashes=False) == b"x"


@ways
def test_many_at_once_all_succeed(connect, races, name, expires, data, options):
    races.add(CONFLICT, method="PUT", path="/object/v1/upload/", nth=2, times=2)
    races.add(FINISHED, path="/finish-upload/", nth=2, times=2)
    results, hooks = [], [connect(f"tc_{number}") for number in range(4)]
    start = threading.Barrier(len(hooks))

    def upload(hook):
        start.wait()
        results.append(hook.upload_object(data, name, expires=expires, **options))

    threads = [threading.Thread(target=upload, args=[hook]) for hook in hooks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({result.digests["sha256"] for result in results}) == 1
    assert len(results) == len(hooks)
    assert hooks[0].read_object(name) == data

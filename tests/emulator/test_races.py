"""Fault injection into the API: simultaneous identical calls, and restarts of services."""

from __future__ import annotations

import pytest
import taskcluster
from emulator_clients import Upload, refused, sums

from airflow_provider_taskcluster.emulator.store.faults import Overtaken, Reset, Status


@pytest.fixture
def api_faults(tc):
    yield tc.api_faults
    tc.api_faults.clear()


def test_of_two_first_create_uploads_one_may_get_a_conflict_though_nothing_differs(root, api_faults):
    upload = Upload(root)
    api_faults.add(Overtaken(409, "RequestConflict"), method="PUT", path="/object/v1/upload/")
    with refused(409, "RequestConflict"):
        upload.inline(b"hello")
    assert upload.inline(b"hello")["uploadMethod"] == {"dataInline": True}
    with refused(409, "RequestConflict"):
        Upload(root, upload.name).inline(b"hello")
    upload.finish(sums(b"hello"))


def test_of_two_finish_uploads_one_may_get_a_500_though_the_upload_is_finished(root, api_faults):
    upload = Upload(root)
    upload.inline(b"hello")
    api_faults.add(Overtaken(500, "InternalServerError", "already finished"), path="/finish-upload/")
    with refused(500, "InternalServerError"):
        upload.finish(sums(b"hello"))
    assert root.object.object(upload.name)["hashes"] == sums(b"hello")
    upload.finish(sums(b"hello"))


def test_a_queue_that_is_restarted_answers_502_without_json(root, api_faults, run):
    api_faults.add(Status(502, {"content-type": "text/html"}, b"<h1>Bad Gateway</h1>"), path="/queue/", times=2)
    for _ in range(2):
        with refused(502):
            root.queue.ping()
    assert root.object.ping()["alive"]
    assert root.queue.ping()["alive"]


def test_an_answer_may_be_lost_after_the_service_has_done_its_work(root, api_faults, run):
    api_faults.add(Reset(0), path="/artifacts/")
    with pytest.raises(taskcluster.exceptions.TaskclusterConnectionError):
        run.add_error("public/a")
    assert root.queue.artifactInfo(run.task_id, 0, "public/a")["storageType"] == "error"

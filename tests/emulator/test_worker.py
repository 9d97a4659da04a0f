"""The simulated worker, as tests and demos use it."""

from __future__ import annotations

import pytest
from emulator_clients import http, refused

from airflow_provider_taskcluster.emulator.worker import put


@pytest.mark.parametrize("storage_type", ["object", "s3"])
def test_run_task_gives_a_completed_task_with_artifacts(root, worker, storage_type):
    artifacts = {"public/small": b"x", "public/large": b"y" * 20_000}
    run = worker.run_task(artifacts, storage_type=storage_type, content_type="text/plain", tags={"kind": "demo"})
    assert root.queue.status(run.task_id)["status"]["state"] == "completed"
    listed = root.queue.listLatestArtifacts(run.task_id)["artifacts"]
    lengths = {"object": [None, None], "s3": [20_000, 1]}[storage_type]  # of objects the worker does not tell them
    assert [(a["name"], a.get("contentLength")) for a in listed] == list(zip(sorted(artifacts), lengths, strict=True))
    assert root.queue.task(run.task_id)["tags"] == {"kind": "demo"}


def test_tasks_can_be_claimed_in_any_order(worker):
    first, second = worker.create_task(), worker.create_task()
    assert worker.claim(second).complete()["taskId"] == second
    assert worker.claim(first).complete()["taskId"] == first
    with pytest.raises(LookupError, match="no pending run"):
        worker.claim(first)


def test_a_test_can_stop_between_the_steps(root, run):
    grant = run.announce("public/a", content_type="text/plain")
    run.upload(grant, b"hello", "text/plain")
    with refused(404, "ResourceNotFound"):
        root.queue.artifactInfo(run.task_id, 0, "public/a")
    run.finish("public/a", grant)
    url = root.queue.buildSignedUrl("getLatestArtifact", run.task_id, "public/a")
    assert http("GET", http("GET", url)[1]["Location"])[2] == b"hello"


def test_bytes_that_are_not_taken_are_an_error(run):
    grant = run.announce("public/a", storage_type="s3", content_type="text/plain")
    with pytest.raises(OSError, match="answered by 403"):
        put(grant["putUrl"], b"x", {"Content-Type": "text/html"})


def test_a_run_keeps_its_credentials_out_of_sight(run):
    assert "accessToken" not in repr(run)
    assert run.credentials["accessToken"] not in repr(run)

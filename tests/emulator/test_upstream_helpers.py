"""The upstream client's own upload and download helpers work, sync and async."""

from __future__ import annotations

import asyncio
import io

import pytest
import taskcluster
import taskcluster.aio
from emulator_clients import Clients, fresh, http
from taskcluster import download, upload
from taskcluster.aio import download as aio_download
from taskcluster.aio import upload as aio_upload

pytestmark = [
    # The sync helpers leave a closed loop behind as the current one.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

SIZES = [0, 1, 8191, 8192, 300_000]


def content(size):
    return (b"0123456789abcdef" * (size // 16 + 1))[:size]


def arguments(name, data):
    return {
        "projectId": "tests",
        "name": name,
        "contentType": "text/plain",
        "contentLength": len(data),
        "expires": taskcluster.fromNow("1 day"),
    }


@pytest.mark.parametrize("size", SIZES)
def test_upload_from_buf_and_download_to_buf(root, size):
    name, data = fresh("helper"), content(size)
    upload.uploadFromBuf(data=data, objectService=root.object, **arguments(name, data))
    assert download.downloadToBuf(name=name, objectService=root.object) == (data, "text/plain")


def test_upload_from_file_and_download_to_file(root):
    name, data = fresh("helper"), content(100_000)
    upload.uploadFromFile(file=io.BytesIO(data), objectService=root.object, **arguments(name, data))
    received = io.BytesIO()
    download.downloadToFile(received, name=name, objectService=root.object)
    assert received.getvalue() == data


@pytest.mark.parametrize("storage_type", ["object", "s3"])
def test_download_artifact_to_buf(root, worker, storage_type):
    data = content(50_000)
    run = worker.run_task({"public/a": data}, storage_type=storage_type, content_type="text/plain")
    for run_id in (None, run.run_id):
        received = download.downloadArtifactToBuf(
            taskId=run.task_id, runId=run_id, name="public/a", queueService=root.queue
        )
        assert received == (data, "text/plain")


def test_download_artifact_of_a_gzipped_s3_artifact_is_decoded(root, run):
    run.add("public/a", content(5000), storage_type="s3", gzipped=True)
    received, _ = download.downloadArtifactToBuf(taskId=run.task_id, name="public/a", queueService=root.queue)
    assert received == content(5000)


def test_download_artifact_of_an_error_raises(root, run):
    run.add_error("public/a", "it broke")
    # Async, because the sync helper leaves its loop open when it raises.
    story = aio_download.downloadArtifactToBuf(taskId=run.task_id, name="public/a", queueService=root.queue)
    with pytest.raises(taskcluster.exceptions.TaskclusterArtifactError, match="it broke"):
        asyncio.run(story)


def test_the_async_clients_and_helpers_on_one_session(tc, root, worker):
    data = content(20_000)
    run = worker.run_task({"public/a": data})
    name = fresh("helper")

    async def story():
        async with taskcluster.aio.createSession() as session:
            objects = taskcluster.aio.Object(root.options(), session=session)
            queue = taskcluster.aio.Queue(root.options(), session=session)
            await aio_upload.uploadFromBuf(data=data, objectService=objects, **arguments(name, data))
            one = await aio_download.downloadToBuf(name=name, objectService=objects)
            other = await aio_download.downloadArtifactToBuf(taskId=run.task_id, name="public/a", queueService=queue)
            return one[0], other[0]

    with tc.journal.recording() as seen:
        assert asyncio.run(story()) == (data, data)
    ours = [e for e in seen.entries(origin="api") if "/object/" in e.path and name in e.path]
    assert len({entry.connection for entry in ours}) == 1


def test_async_refusals_have_status_and_code(tc):
    async def ask():
        await taskcluster.aio.Object(Clients(tc).options()).object("anything")

    with pytest.raises(taskcluster.exceptions.TaskclusterRestFailure) as info:
        asyncio.run(ask())
    assert (info.value.status_code, info.value.body["code"]) == (403, "InsufficientScopes")


def test_a_signed_url_of_get_latest_artifact_leads_to_the_bytes(root, worker):
    run = worker.run_task({"public/a": b"hello"})
    status, headers, _ = http("GET", root.queue.buildSignedUrl("getLatestArtifact", run.task_id, "public/a"))
    assert status == 303
    assert http("GET", headers["Location"])[2] == b"hello"

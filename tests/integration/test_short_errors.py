"""Task logs show an error's sentence, without frames of loops and clients below."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import traceback

import pytest

from airflow_provider_taskcluster.emulator.store.faults import Status
from airflow_provider_taskcluster.exceptions import ConnectionFailed, NotFound, StoreError, TaskclusterError
from airflow_provider_taskcluster.hooks.asynchronous import TaskclusterAsyncHook
from airflow_provider_taskcluster.operators.objects import TaskclusterDownloadObjectOperator

BELOW = ("tenacity", "asyncio", "aiohttp", "urllib3", "requests", "concurrent", "services/", "retry.py", "transfer/")
CONNECTION = {"task_id": "task", "taskcluster_conn_id": "tc_test"}


@pytest.fixture
def away(connect):
    return connect(host="http://127.0.0.1:1", extra={"max_retries": 1})


def shown(error):
    return "".join(traceback.format_exception(error))


def is_short(error):
    text = shown(error)
    assert not [word for word in BELOW if word in text], text
    assert text.count("Traceback") == 1
    return True


def test_a_task_that_may_be_tried_again_ends_as_shortly_as_one_that_may_not(away, connect, tmp_path):
    download = TaskclusterDownloadObjectOperator(**CONNECTION, name="a", destination=str(tmp_path / "a"))
    with pytest.raises(ConnectionFailed) as transient:
        download.execute({})
    connect()
    download = TaskclusterDownloadObjectOperator(**CONNECTION, name="no/such", destination=str(tmp_path / "a"))
    with pytest.raises(Exception, match="404 ResourceNotFound") as final:
        download.execute({})
    assert is_short(transient.value)
    assert is_short(final.value)
    assert len(traceback.extract_tb(transient.value.__traceback__)) == len(
        traceback.extract_tb(final.value.__traceback__)
    )
    assert str(pickle.loads(pickle.dumps(copy.copy(transient.value)))) == str(transient.value)


def test_so_do_functions_that_call_the_hook(away, connect, name, expires, tc, tmp_path):
    for call in (
        away.ping,
        lambda: away.read_object("a"),
        lambda: away.upload_object(b"x", name, expires=expires),
        lambda: away.list_artifacts("fN1SbArXTPSVFNUvaOlinQ"),
    ):
        with pytest.raises(ConnectionFailed) as caught:
            call()
        assert is_short(caught.value)
    hook = connect(extra={"max_retries": 1})
    with pytest.raises(NotFound) as caught:
        hook.read_object("no/such")
    assert is_short(caught.value)
    hook.upload_object(b"x" * 10_000, name, expires=expires)
    tc.faults.add(Status(503), method="GET")
    with pytest.raises(StoreError) as caught:
        connect(extra={"max_retries": 0}).download_object(name, tmp_path / "a")
    assert is_short(caught.value)


def test_so_do_those_that_use_a_payload_or_an_open_file(connect, run, tc, tmp_path):
    run.add("public/a", b"x" * 1000, storage_type="s3")
    run.add("public/b", b"x" * 1_000_000, storage_type="s3")
    hook = connect(extra={"max_retries": 0})
    payload = hook.open_payload(run.task_id)
    file = hook.open_artifact(run.task_id, "public/b")
    tc.faults.add(Status(503), method="GET", times=10)
    with pytest.raises(NotFound) as caught:
        payload.resolve("no/such")
    assert is_short(caught.value)
    calls = [
        lambda: payload.download(tmp_path / "down"),
        lambda: list(payload.chunks()),
        lambda: (file.seek(500_000), file.read(1)),
    ]
    for call in calls:
        with pytest.raises(StoreError) as caught:
            call()
        assert is_short(caught.value)
    file.close()
    with pytest.raises(NotFound) as caught:
        list(hook.open_payload("fN1SbArXTPSVFNUvaOlinQ").files())
    assert is_short(caught.value)


def test_so_do_coroutines(away):
    async def main():
        async with await TaskclusterAsyncHook.open("tc_test") as hook:
            await hook.task_runs("fN1SbArXTPSVFNUvaOlinQ")

    with pytest.raises(ConnectionFailed) as caught:
        asyncio.run(main())
    assert "tenacity" not in shown(caught.value)


def test_and_a_source_whose_storage_fails(connect, name, expires):
    class Broken:
        def read(self, _=-1):
            raise OSError(5, "the disk is broken")

    with pytest.raises(TaskclusterError, match="the disk is broken") as caught:
        connect().upload_object(Broken, name, expires=expires)
    assert is_short(caught.value)


def test_how_it_came_about_is_in_the_log_at_debug(away, caplog):
    with (
        caplog.at_level(logging.DEBUG, "airflow_provider_taskcluster.common.tracebacks"),
        pytest.raises(ConnectionFailed),
    ):
        away.ping()
    told = "\n".join(caplog.messages)
    assert "services/client.py" in told
    assert all("\n" not in message for message in caplog.messages)
    caplog.clear()
    with (
        caplog.at_level(logging.INFO, "airflow_provider_taskcluster.common.tracebacks"),
        pytest.raises(ConnectionFailed),
    ):
        away.ping()
    assert "services/client.py" not in "\n".join(caplog.messages)

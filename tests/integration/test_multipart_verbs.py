"""The verbs of a multi-part upload as coroutines."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest
from multipart_tries import DATA, PART, sent

from airflow_provider_taskcluster.transfer.config import TransferConfig
from airflow_provider_taskcluster.transfer.source.factory import source_for
from airflow_provider_taskcluster.transfer.threads.buffers import Failure
from airflow_provider_taskcluster.transfer.upload.multipart import MultipartUploader
from airflow_provider_taskcluster.transfer.upload.object import Target, Uploader
from airflow_provider_taskcluster.transfer.upload.resumable import partitions


@pytest.fixture
def uploader(hook):
    return MultipartUploader(Uploader(hook._engine_services, hook._store, TransferConfig()))


@pytest.fixture
def target(hook, name, expires, tmp_path):
    return Target(hook._identity(name, None, expires, None, tmp_path / "records"), "text/plain")


@pytest.fixture
def source(tmp_path):
    (tmp_path / "source").write_bytes(DATA)
    return source_for(tmp_path / "source")


def test_an_upload_of_coroutines_is_begun_given_up_taken_up_and_completed(uploader, target, source, hook, tc, name):
    async def first():
        assert await uploader.async_try_to_resume_parts(source, target) is None
        begun = await uploader.async_initialize_parts(source, target, PART)
        two = list(partitions(begun, Failure()))[:2]
        return await asyncio.gather(*(uploader.async_upload_part(begun, one) for one in two))

    async def second():
        begun = await uploader.async_try_to_resume_parts(source, target)
        pieces = partitions(begun, Failure())
        done = await asyncio.gather(*(uploader.async_upload_part(begun, one) for one in pieces))
        return done, await uploader.async_complete_parts(begun, reversed(done))

    assert [part.already_present for part in asyncio.run(first())] == [False, False]
    tc.journal.clear()
    done, result = asyncio.run(second())
    assert [part.number for part in done if part.already_present] == [0, 1]
    assert sorted(sent(tc)) == [2, 3, 4]
    assert (result.size, result.method) == (len(DATA), "multipart")
    assert hook.read_object(name) == DATA


def test_beginning_anew_as_a_coroutine_takes_another_part_size(uploader, target, source):
    async def both():
        begun = await uploader.async_initialize_parts(source, target, PART)
        return begun, await uploader.async_reinitialize_parts(begun, part_size=2 * PART)

    begun, again = asyncio.run(both())
    assert (begun.part_size, again.part_size, again.source) == (PART, 2 * PART, source)


def test_coroutines_do_not_stop_the_loop_while_a_part_is_sent(uploader, target, source):
    """Their work is done in threads: what they wait for may come from the loop."""
    threads, ticked = set(), threading.Event()

    class Waiting(type(source)):
        def open(self):
            threads.add(threading.current_thread())
            assert ticked.wait(10), "the loop stands still"
            return super().open()

    async def upload():
        asyncio.get_running_loop().call_later(0.05, ticked.set)
        waiting = Waiting(source._path)
        begun = await uploader.async_initialize_parts(waiting, target, PART)
        for one in partitions(begun, Failure()):
            ticked.clear()
            asyncio.get_running_loop().call_later(0.01, ticked.set)
            await uploader.async_upload_part(begun, one)

    asyncio.run(upload())
    assert threading.main_thread() not in threads


def test_a_stream_says_in_the_log_that_a_retry_begins_anew(hook, name, expires, caplog):
    receiver, sender = os.pipe()
    os.write(sender, DATA[:1000])
    os.close(sender)
    with os.fdopen(receiver, "rb") as stream:
        hook.upload_object(stream, name, expires=expires, multipart="always", part_size=PART)
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(said) == 1
    assert said[0].endswith(
        f"can be read only once: each part of {PART} bytes is held in memory, and a retry begins anew"
    )
    assert hook.read_object(name) == DATA[:1000]

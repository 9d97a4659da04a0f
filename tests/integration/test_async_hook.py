"""The hook for coroutines: calls and waits in the running loop, transfers in threads, and the loop never blocked."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import threading
import time

import pytest
from following import publish
from following import until as until_closed
from livelog import Livelog
from waits_in_a_loop import until

from airflow_provider_taskcluster.emulator.store.faults import Drip, Stall
from airflow_provider_taskcluster.exceptions import ConfigurationError, InvalidInput, NotFound, WillNotCome
from airflow_provider_taskcluster.hooks.asynchronous import TaskclusterAsyncHook
from airflow_provider_taskcluster.hooks.json_calls import JsonCalls
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.tasks.log_names import LIVE_LOG
from airflow_provider_taskcluster.waits import wait_log
from airflow_provider_taskcluster.waits.conditions.index import IndexWait
from airflow_provider_taskcluster.waits.conditions.objects import ObjectWait
from airflow_provider_taskcluster.waits.conditions.tasks import TaskWait

DATA = os.urandom(300_000)
SOON = 10.0


def with_hook(work, **options):
    """Run a coroutine function with an open hook in a new event loop."""

    async def main():
        async with await TaskclusterAsyncHook.open("tc_test", **options) as hook:
            return await work(hook)

    return asyncio.run(main())


def test_calls_are_answered_in_the_running_loop(connect, run, name, expires):
    connect().upload_object(DATA, name, expires=expires)
    run.add("public/a", DATA)

    async def work(hook):
        return await asyncio.gather(
            hook.ping("queue"),
            hook.call("queue", "status", run.task_id),
            hook.task_runs(run.task_id),
            hook.list_artifacts(run.task_id),
            hook.artifact_info(run.task_id, "public/a"),
            hook.object_metadata(name),
            hook.purge_cache("built-in/succeed", "checkouts"),
        )

    alive, status, runs, artifacts, info, metadata, purged = with_hook(work)
    assert alive["alive"]
    assert status["status"]["taskId"] == run.task_id
    assert runs == status["status"]["runs"]
    assert artifacts == [info]
    assert metadata["hashes"]["sha256"] == hashlib.sha256(DATA).hexdigest()
    assert purged is None


def test_every_call_has_its_synchronous_twin():
    calls = {name for name in vars(JsonCalls) if not name.startswith("_")}
    assert calls
    for name in calls:
        twin = getattr(TaskclusterHook, name)
        assert twin.__doc__ == getattr(JsonCalls, name).__doc__
        assert not asyncio.iscoroutinefunction(twin)


def test_both_hooks_are_imported_from_one_module():
    from airflow_provider_taskcluster.hooks import taskcluster

    assert taskcluster.TaskclusterAsyncHook is TaskclusterAsyncHook
    with pytest.raises(AttributeError, match="NoHook"):
        taskcluster.NoHook  # noqa: B018


def test_transfers_move_the_same_bytes_and_leave_the_loop_free(connect, name, expires, tc, tmp_path):
    connect()
    tc.faults.add(Drip(30_000, 0.1), method="GET")
    beats = []

    async def beat():
        while True:
            beats.append(await asyncio.sleep(0.01))

    async def work(hook):
        beating = asyncio.create_task(beat())
        uploaded = await hook.upload_object(DATA, name, expires=expires)
        downloaded = await hook.download_object(name, tmp_path / "copy")
        beating.cancel()
        return uploaded, downloaded, await hook.read_object(name)

    uploaded, downloaded, read = with_hook(work)
    assert (tmp_path / "copy").read_bytes() == read == DATA
    assert uploaded["digests"]["sha256"] == downloaded["digests"]["sha256"]
    assert len(beats) > 10


def test_a_transfer_that_is_cancelled_ends_its_threads(connect, name, expires, tc, tmp_path):
    connect().upload_object(DATA, name, expires=expires)
    tc.faults.add(Stall(1000), method="GET", times=100)

    async def work(hook):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await hook.download_object(name, tmp_path / "copy")

    started = time.monotonic()
    with_hook(work)  # asyncio.run waits for the threads of its executor
    assert time.monotonic() - started < SOON
    assert not (tmp_path / "copy").exists()


def test_a_wait_ends_with_what_it_found(connect, name, expires):
    sync = connect()

    async def work(hook):
        waiting = asyncio.create_task(hook.wait_for(ObjectWait(names=[name]), interval=0.2))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        await asyncio.to_thread(sync.upload_object, DATA, name, expires=expires)
        async with asyncio.timeout(SOON):
            return await waiting

    assert with_hook(work)["objects"][0]["name"] == name


def test_a_wait_that_goes_on_says_so(connect, name, monkeypatch, caplog):
    connect()
    caplog.set_level("INFO")
    monkeypatch.setattr(wait_log, "REPORT_EVERY", 0.2)

    async def work(hook):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await hook.wait_for(ObjectWait(names=[name]), interval=60)

    with_hook(work)
    assert f"Waiting on. The last look: 1 of 1 objects are not finished, '{name}'" in caplog.text


@pytest.mark.parametrize("path", ["index.a.b", "a b"])
def test_an_index_path_that_cannot_be_is_refused(path):
    with pytest.raises(InvalidInput):
        IndexWait(index_path=path)


def test_what_is_there_is_found_by_one_look(connect, name, expires, tc):
    connect().upload_object(DATA, name, expires=expires)
    tc.journal.clear()
    with_hook(lambda hook: hook.wait_for(ObjectWait(names=[name])))
    assert len(tc.journal.entries(origin="api")) == 1


def test_what_cannot_come_any_more_is_an_error(connect, worker):
    connect()
    task_id = worker.create_task()
    worker.claim(task_id).fail()
    with pytest.raises(WillNotCome):
        with_hook(lambda hook: hook.wait_for(TaskWait(task_ids=[task_id], states=["completed"])))


def test_waits_share_their_requests(connect, worker, tc):
    connect()
    task_ids = [worker.create_task() for _ in range(20)]

    async def work(hook):
        waits = [
            hook.wait_for(TaskWait(task_ids=[task_id], states=["completed"]), interval=0.4) for task_id in task_ids
        ]
        waiting = asyncio.gather(*waits)
        await until(lambda: len(tc.journal.entries(origin="api")) >= len(task_ids))  # each looks once by itself first
        began = time.monotonic()
        await asyncio.sleep(2)
        waiting.cancel()
        return (time.monotonic() - began) / 0.4

    tc.journal.clear()
    rounds = with_hook(work)
    looks = len(tc.journal.entries(origin="api")) - len(task_ids)
    assert 1 <= looks <= len(task_ids) * rounds / 3


def test_errors_are_those_of_the_synchronous_hook(connect, name):
    connect()
    with pytest.raises(NotFound):
        with_hook(lambda hook: hook.object_metadata(name))
    with pytest.raises(InvalidInput, match="no service"):
        with_hook(lambda hook: hook.call("no-service", "ping"))


def test_a_connection_that_cannot_work_fails_when_it_is_opened(connect):
    connect(host="ftp://example.com")
    with pytest.raises(ConfigurationError, match="tc_test"):
        with_hook(lambda hook: hook.ping())


def test_without_a_connection_the_environment_names_the_deployment(tc, monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_TC_TEST", raising=False)
    for name, value in tc.environment.items():
        monkeypatch.setenv(name, value)

    async def work(hook):
        return hook.client.root_url

    assert with_hook(work) == tc.root_url


def test_its_options_take_the_place_of_the_connections(connect):
    connect(extra={"read_timeout": 30, "max_retries": 4})

    async def work(hook):
        network = hook.synchronous().settings.network
        return network.connect_timeout, network.read_timeout, network.retry.max_retries, hook.client.network == network

    assert with_hook(work, connect_timeout=3, read_timeout=7, max_retries=0) == (3, 7, 0, True)


def test_the_synchronous_hook_of_one_that_is_open_reads_no_connection(connect, monkeypatch, run):
    connect()
    run.add("public/a", DATA)

    async def work(hook):
        monkeypatch.delenv("AIRFLOW_CONN_TC_TEST")
        synchronous = hook.synchronous()
        files = await asyncio.to_thread(lambda: list(synchronous.open_payload(run.task_id).files()))
        await asyncio.to_thread(synchronous.close)
        return files

    assert [file.name for file in with_hook(work)] == ["public/a"]


@pytest.mark.parametrize("method", ["list_artifacts", "task_runs", "open_payload"])
def test_the_synchronous_hook_reads_its_connection_in_the_thread_that_calls(connect, run, monkeypatch, method):
    """The loop thread must not: Airflow may need another loop for it, which the caller holds up."""
    hook, readers = connect(), []
    get_connection = hook.get_connection

    def noted(conn_id):
        readers.append(threading.current_thread())
        return get_connection(conn_id)

    monkeypatch.setattr(hook, "get_connection", noted)
    getattr(hook, method)(run.task_id)
    assert readers == [threading.current_thread()]


def test_the_lines_of_a_log_come_while_the_loop_is_free(connect, run):
    connect()
    publish(run, b"one\ntwo\n")

    async def work(hook):
        async with contextlib.aclosing(hook.task_log(run.task_id, interval=0.1)) as lines:
            await asyncio.to_thread(run.complete)
            return await all_of(lines)

    assert with_hook(work) == ["one", "two"]


async def all_of(lines):
    return [line async for line in lines]


def test_a_log_that_is_left_or_cancelled_ends_its_threads(connect, run):
    connect()

    async def work(hook):
        async with contextlib.aclosing(hook.task_log(run.task_id, interval=0.1)) as lines:
            assert await anext(lines) == "one"
        async with contextlib.aclosing(hook.task_log(run.task_id, interval=0.1)) as lines:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(all_of(lines), 1)

    with Livelog() as livelog:
        run.add_reference(LIVE_LOG, livelog.url)
        livelog.write(b"one\ntwo\n")
        started = time.monotonic()
        with_hook(work)
        assert time.monotonic() - started < SOON
        until_closed(lambda: livelog.readers == 0)

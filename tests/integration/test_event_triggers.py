"""Triggers for asset watchers: one event for each new thing, even across restarts of the triggerer."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest
import taskcluster

from airflow_provider_taskcluster.exceptions import InvalidInput, InvalidName
from airflow_provider_taskcluster.triggers.events import TaskclusterIndexEventTrigger, TaskclusterObjectEventTrigger

INTERVAL = 0.2
PATIENCE = 20


class Store:
    """Double of Airflow's asset state store."""

    def __init__(self):
        self.kept = {}
        self.fails = 0

    async def aget(self, key, default=None):
        self._check()
        return self.kept.get(key, default)

    async def aset(self, key, value):
        self._check()
        self.kept[key] = value

    def _check(self):
        if self.fails:
            self.fails -= 1
            raise OSError("the API server is gone")


class Shared(Store):
    """That of a trigger which several assets share."""

    def _check(self):
        raise ValueError("Task has 2 concrete inlets and outlets")


@pytest.fixture
def path(tc, connect):
    connect("taskcluster_default")
    return f"tests.events.{taskcluster.slugId()}"


def trigger_for(path, **options):
    return TaskclusterIndexEventTrigger(index_path=path, interval=INTERVAL, **options)


def completed(tc, path, **definition):
    (task_id,) = tc.bulk.create(1, state="completed", routes=[f"index.{path}"], **definition)
    return task_id


@asynccontextmanager
async def watching(trigger, store=None):
    """Run a trigger as a triggerer does; gives the events so far."""
    trigger.asset_state_store = store
    told = []

    async def consume():
        async for event in trigger.run():
            told.append(event.payload)  # noqa: PERF401 (seen while it grows)

    running = asyncio.create_task(consume())
    try:
        yield told
        assert not running.done(), running.exception()
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def until(condition):
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 (of the emulator, in another thread)
            await asyncio.sleep(0.01)


async def looks(tc, count=3):
    """Wait for a number of checks."""
    before = len(tc.journal)
    await until(lambda: len(tc.journal) >= before + count)


def test_each_task_that_completes_is_told_once(tc, path):
    async def story():
        async with watching(trigger_for(path)) as told:
            await looks(tc)
            assert told == []
            first = completed(tc, path, extra={"index": {"data": {"revision": "abc"}}})
            await until(lambda: told)
            await looks(tc)
            second = completed(tc, path)
            await until(lambda: len(told) > 1)
            await looks(tc)
            return [first, second], told

    task_ids, told = asyncio.run(story())
    assert [event["task_id"] for event in told] == task_ids
    assert (told[0]["index_path"], told[0]["rank"], told[0]["data"]) == (path, 0, {"revision": "abc"})


def test_a_task_that_fails_is_not_told(tc, path):
    async def story():
        async with watching(trigger_for(path)) as told:
            tc.bulk.create(1, state="failed", routes=[f"index.{path}"])
            await looks(tc)
            return told

    assert asyncio.run(story()) == []


def test_a_look_takes_one_request(tc, path):
    async def story():
        completed(tc, path)
        async with watching(trigger_for(path)) as told:
            await until(lambda: told)
            with tc.journal.recording() as seen:
                await asyncio.sleep(5 * INTERVAL)
            return len(seen)

    assert 3 <= asyncio.run(story()) <= 6


def test_what_was_told_is_not_told_again_after_a_restart_and_what_came_meanwhile_is(tc, path):
    async def story():
        store = Store()
        before = completed(tc, path)
        async with watching(trigger_for(path), store) as told:
            await until(lambda: told and store.kept)
            assert [event["task_id"] for event in told] == [before]
        async with watching(trigger_for(path), store) as told:
            await looks(tc)
            assert told == []
        meanwhile = completed(tc, path)
        async with watching(trigger_for(path), store) as told:
            await until(lambda: told)
            assert [event["task_id"] for event in told] == [meanwhile]

    asyncio.run(story())


def test_a_triggerer_that_dies_with_the_event_in_its_hands_has_not_kept_it(tc, path):
    async def story():
        store = Store()
        completed(tc, path)
        async with watching(trigger_for(path), store) as told:
            await until(lambda: told)
            assert store.kept == {}
        async with watching(trigger_for(path), store) as told:
            await until(lambda: told)

    asyncio.run(story())


@pytest.mark.parametrize("store", [None, Shared()], ids=["none", "of several assets"])
def test_without_a_store_a_start_tells_what_is_there(tc, path, store):
    async def story():
        task_id = completed(tc, path)
        for _ in range(2):
            async with watching(trigger_for(path), store) as told:
                await until(lambda told=told: told)
                await looks(tc)
                assert [event["task_id"] for event in told] == [task_id]

    asyncio.run(story())


def test_a_store_that_fails_for_a_while_loses_and_repeats_nothing(tc, path):
    async def story():
        store = Store()
        completed(tc, path)
        store.fails = 2  # of reading
        async with watching(trigger_for(path), store) as told:
            await until(lambda: told)
            store.fails = 2  # of writing
            await until(lambda: store.kept)
            await looks(tc)
            assert len(told) == 1
        store.fails = 2
        async with watching(trigger_for(path), store) as told:
            await until(lambda: not store.fails)
            await looks(tc)
            assert told == []

    asyncio.run(story())


def test_a_watch_goes_on_when_a_missing_scope_is_granted(tc, path):
    async def story(scopes):
        completed(tc, path)
        tc.anonymous_scopes = []
        async with watching(trigger_for(path, taskcluster_conn_id="tc_watch")) as told:
            await looks(tc, 2)
            assert told == []
            tc.anonymous_scopes = scopes
            await until(lambda: told)

    before = tc.anonymous_scopes
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AIRFLOW_CONN_TC_WATCH", f'{{"conn_type": "taskcluster", "host": "{tc.root_url}"}}')
        try:
            asyncio.run(story(["index:find-task:*", "queue:status:*"]))
        finally:
            tc.anonymous_scopes = before


def test_a_watch_that_breaks_down_goes_on(tc, path, caplog):
    class Breaking(TaskclusterIndexEventTrigger):
        looks = 0

        @property
        def wait(self):
            self.looks += 1
            if self.looks == 1:
                raise ZeroDivisionError("nobody thought of it")
            return super().wait

    async def story():
        completed(tc, path)
        async with watching(Breaking(index_path=path, interval=INTERVAL)) as told:
            await until(lambda: told)

    asyncio.run(story())
    assert "Watch broke down; next try in 0.2 s: ZeroDivisionError: nobody thought of it" in caplog.text


def test_an_object_is_told_once_when_it_is_finished(tc, hook, connect):
    connect("taskcluster_default")
    name = f"tests/{taskcluster.slugId()}"

    async def story():
        trigger = TaskclusterObjectEventTrigger(name=name, interval=INTERVAL)
        async with watching(trigger) as told:
            await looks(tc)
            assert told == []
            await asyncio.to_thread(hook.upload_object, b"report", name, expires=taskcluster.fromNow("1 day"))
            await until(lambda: told)
            await looks(tc)
            return told

    (event,) = asyncio.run(story())
    assert (event["name"], event["project_id"]) == (name, "tests")
    assert set(event["hashes"]) == {"sha256", "sha512"}


@pytest.mark.parametrize(
    "trigger",
    [
        TaskclusterIndexEventTrigger(index_path="a.b", interval=7),
        TaskclusterObjectEventTrigger(name="a/b", taskcluster_conn_id="other"),
    ],
    ids=lambda trigger: type(trigger).__name__,
)
def test_a_trigger_is_made_again_from_what_it_says_of_itself(trigger):
    path, arguments = trigger.serialize()
    again = type(trigger)(**arguments)
    assert path == f"{type(trigger).__module__}.{type(trigger).__name__}"
    assert again.serialize() == trigger.serialize()
    assert again.wait == trigger.wait


def test_what_was_told_of_one_deployment_says_nothing_of_another(tc, path, connect):
    async def story():
        store = Store()
        completed(tc, path)
        for conn_id in ("taskcluster_default", "tc_other"):
            async with watching(trigger_for(path, taskcluster_conn_id=conn_id), store) as told:
                await until(lambda told=told: told)
                await looks(tc)

    connect("tc_other")
    asyncio.run(story())


@pytest.mark.parametrize(
    "interval",
    [0, -1, float("nan"), float("inf"), 10**400, True, False, "60", None, timedelta(seconds=60)],
    ids=lambda interval: repr(interval)[:20],
)
def test_an_interval_is_a_number_of_seconds(interval):
    with pytest.raises(InvalidInput, match="interval must be a number of seconds"):
        TaskclusterIndexEventTrigger(index_path="a.b", interval=interval)


def test_what_cannot_be_watched_is_refused_when_the_dag_is_read():
    with pytest.raises(InvalidInput, match="not an index path"):
        TaskclusterIndexEventTrigger(index_path="a..b")
    with pytest.raises(InvalidName):
        TaskclusterObjectEventTrigger(name="a/../b")

"""Triggers and tasks that use the hooks in event loops, for test_hooks_in_loops.py."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from airflow.providers.common.compat.sdk import BaseOperator, dag, task
from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_provider_taskcluster.hooks.asynchronous import TaskclusterAsyncHook
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.waits.conditions.objects import ObjectWait

TASK_ID, ARTIFACT, OBJECT = os.environ.get("LOOPS_TASK_ID", ""), "public/a", os.environ.get("LOOPS_OBJECT", "")
AT_ONCE = 20
AIRFLOW_2 = version("apache-airflow").startswith("2.")


def blocking():
    """Ask and fetch with a hook of its own."""
    hook = TaskclusterHook()
    assert [info["name"] for info in hook.list_artifacts(TASK_ID)] == [ARTIFACT]
    assert hook.object_metadata(OBJECT)["hashes"]
    assert hook.task_runs(TASK_ID)
    assert list(hook.open_payload(TASK_ID).files())
    return len(hook.read_artifact(TASK_ID, ARTIFACT))


async def called_in_the_loop():
    return blocking()


async def in_thread():
    return await asyncio.to_thread(blocking)


async def sync_to_async_():
    return await sync_to_async(blocking)()


async def several_in_threads():
    return max(await asyncio.gather(*(asyncio.to_thread(blocking) for _ in range(4))))


async def asynchronous():
    async with await TaskclusterAsyncHook.open() as hook:
        artifacts, metadata, found = await asyncio.gather(
            hook.list_artifacts(TASK_ID), hook.object_metadata(OBJECT), hook.wait_for(ObjectWait(names=[OBJECT]))
        )
        assert [info["name"] for info in artifacts] == [ARTIFACT]
        assert metadata["hashes"] == found["objects"][0]["hashes"]
        return len(await hook.read_artifact(TASK_ID, ARTIFACT))


async def transfers():
    with tempfile.TemporaryDirectory() as folder:
        async with await TaskclusterAsyncHook.open() as hook:
            await hook.download_object(OBJECT, Path(folder, "copy"))
            result = await hook.download_artifact(TASK_ID, ARTIFACT, Path(folder, "artifact"))
            return result["size"]


async def several_opened():
    async def one():
        async with await TaskclusterAsyncHook.open() as hook:
            return len(await hook.read_artifact(TASK_ID, ARTIFACT))

    return max(await asyncio.gather(*(one() for _ in range(4))))


WAYS = {
    way.__name__: way
    for way in (
        called_in_the_loop,
        in_thread,
        sync_to_async_,
        several_in_threads,
        asynchronous,
        transfers,
        several_opened,
    )
}


class Using(BaseTrigger):
    """Uses hooks in one way."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way

    def serialize(self):
        return "hooks_in_loops.Using", {"way": self.way}

    async def run(self):
        await asyncio.sleep(8)  # events that fire before the executor has reported all deferrals meet a race in Airflow
        began = asyncio.get_running_loop().time()
        try:
            size = await WAYS[self.way]()
        except Exception as error:  # noqa: BLE001 (of whatever kind, the test is to show it)
            yield TriggerEvent({"way": self.way, "error": repr(error)})
        else:
            seconds = asyncio.get_running_loop().time() - began
            yield TriggerEvent({"way": self.way, "size": size, "seconds": seconds})


class Use(BaseOperator):
    """Defers to such a trigger."""

    def __init__(self, *, way: str, **kwargs) -> None:
        super().__init__(**kwargs)
        self.way = way

    def execute(self, context):
        self.defer(trigger=Using(self.way), method_name="ended")

    def ended(self, context, event):
        return event


@dag(schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False)
def hooks_in_triggers():
    ways = [list(WAYS)[number % len(WAYS)] for number in range(AT_ONCE)]
    Use.partial(task_id="use").expand(way=ways)


@dag(schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False)
def hooks_in_tasks():
    @task
    def run_in_a_loop(way):
        return asyncio.run(WAYS[way]())

    @task
    def threads():
        sizes = []
        working = [threading.Thread(target=lambda: sizes.append(blocking())) for _ in range(8)]
        for thread in working:
            thread.start()
        for thread in working:
            thread.join(30)
        assert len(sizes) == len(working)

    run_in_a_loop.expand(way=list(WAYS))
    threads()


@dag(schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False)
def hooks_in_coroutines():
    @task
    async def use(way):
        return await WAYS[way]()

    use.expand(way=list(WAYS))


hooks_in_triggers()
hooks_in_tasks()
if not AIRFLOW_2:
    hooks_in_coroutines()

"""The triggers' waits as a triggerer runs them: many in one loop, which share a poller."""

from __future__ import annotations

import asyncio
import json

from airflow_provider_taskcluster.triggers.waits import TaskclusterWaitTrigger
from airflow_provider_taskcluster.waits import poller
from airflow_provider_taskcluster.waits.conditions.tasks import TaskWait
from airflow_provider_taskcluster.waits.serialization import serialize_wait

INTERVAL = 0.3
STATUSES = "/queue/v1/tasks/status"


def trigger(wait, *, conn_id="tc_test", interval=INTERVAL, deadline=None):
    return TaskclusterWaitTrigger(
        wait=serialize_wait(wait), taskcluster_conn_id=conn_id, interval=interval, deadline=deadline
    )


def completed(*task_ids, **options):
    return TaskWait(task_ids=list(task_ids), states=["completed"], **options)


async def event(started):
    """Return the event of a trigger that was serialized through Airflow's database."""
    _, arguments = started.serialize()
    events = [found.payload async for found in TaskclusterWaitTrigger(**json.loads(json.dumps(arguments))).run()]
    assert len(events) == 1
    return events[0]


def start(*triggers):
    return [asyncio.create_task(event(each)) for each in triggers]


def run(main):
    """Run a coroutine in a new loop, and check that no tasks or pollers are left in it."""

    async def checked():
        async with asyncio.timeout(30):
            await main()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(checked())
    assert not poller._pollers


def outcomes(events):
    return [found["outcome"] for found in events]


async def until(condition):
    while not condition():  # noqa: ASYNC110 (it is another thread's)
        await asyncio.sleep(0.02)


def api_paths(tc):
    return [(entry.method, entry.path) for entry in tc.journal.entries(origin="api")]

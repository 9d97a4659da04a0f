"""What the page on coroutines shows."""

from __future__ import annotations

# [START trigger]
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_taskcluster.hooks.asynchronous import TaskclusterAsyncHook
from airflow_provider_taskcluster.types import TaskWait

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class RunsOfTask(BaseTrigger):
    """Wait for a task, and tell how often it ran."""

    def __init__(self, task_id: str) -> None:
        super().__init__()
        self.task_id = task_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what another triggerer needs."""
        return "my_triggers.RunsOfTask", {"task_id": self.task_id}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait and look."""
        async with await TaskclusterAsyncHook.open("taskcluster_default") as hook:
            await hook.wait_for(TaskWait(task_ids=[self.task_id], states=["completed"]), interval=30)
            yield TriggerEvent(len(await hook.task_runs(self.task_id)))
            # [END trigger]


async def fetch(task_id: str, folder: str) -> list[str]:
    """Download several artifacts at once."""
    # [START transfers]
    import asyncio

    async with await TaskclusterAsyncHook.open("taskcluster_default") as hook:
        names = [info["name"] for info in await hook.list_artifacts(task_id)]
        paths = [f"{folder}/{number}" for number in range(len(names))]
        async with asyncio.TaskGroup() as group:
            for name, path in zip(names, paths, strict=True):
                group.create_task(hook.download_artifact(task_id, name, path))
    # [END transfers]
    return paths

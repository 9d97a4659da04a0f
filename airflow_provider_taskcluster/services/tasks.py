"""The calls of the queue that say how tasks stand (``queue/v1/api.json``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import UnreadableAnswer
from airflow_provider_taskcluster.services.paging import pages
from airflow_provider_taskcluster.services.readers import SchemaMismatch
from airflow_provider_taskcluster.services.schemas import STATUS, STATUSES, TASK_GROUP

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from airflow_provider_taskcluster.services.client import Client
    from airflow_provider_taskcluster.services.schemas import Json, TaskStatus

# The service answers for so many tasks at a time.
LARGEST_PAGE = 1000
# Lists of groups hold the definitions of tasks: a thousand may be some MiB, which takes an event loop too long to read.
GROUP_PAGE = 200


@dataclass(frozen=True)
class Tasks:
    """Calls of the queue through one client."""

    client: Client

    async def status(self, task_id: str) -> TaskStatus:
        """One task. Scope ``queue:status:<taskId>``.

        :raises NotFound: There is no such task.
        """
        answer: Json = await self.client.call("queue", "status", task_id, read=STATUS)
        status: TaskStatus = answer["status"]
        return status

    async def statuses(self, task_ids: Sequence[str]) -> dict[str, TaskStatus | UnreadableAnswer]:
        """Many tasks, by id; unknown ones are left out. The call is marked experimental.

        Where an entry cannot be read, the tasks that are in none of the others have an error in their place.

        One request for up to :data:`LARGEST_PAGE` of them. Scope ``queue:status:<taskId>`` for each: without one,
        the whole call is refused.
        """
        payload = {"taskIds": list(task_ids)}

        async def ask(query: dict[str, str]) -> Json:
            answer: Json = await self.client.call("queue", "statuses", payload=payload, query=query, read=STATUSES)
            return answer

        what = f"The statuses of {len(task_ids)} tasks"
        found: dict[str, TaskStatus | UnreadableAnswer] = {}
        unreadable = None
        async for page in pages(what, ask):
            for entry in page["statuses"]:
                try:
                    status: TaskStatus = STATUS(entry)["status"]
                except SchemaMismatch as odd:
                    unreadable = UnreadableAnswer(f"{what} have an entry that cannot be read: {odd}")
                else:
                    found[status["taskId"]] = status
        if unreadable:
            for task_id in task_ids:
                found.setdefault(task_id, unreadable)
        return found

    async def group(self, task_group_id: str) -> AsyncIterator[list[TaskStatus]]:
        """All tasks of a group, page by page. Scope ``queue:list-task-group:<taskGroupId>``.

        :raises NotFound: There is no such group.
        """

        async def ask(query: dict[str, str]) -> Json:
            answer: Json = await self.client.call(
                "queue",
                "listTaskGroup",
                task_group_id,
                query={"limit": GROUP_PAGE, **query},
                read=TASK_GROUP,
            )
            return answer

        async for page in pages(f"The list of task group {task_group_id}", ask):
            yield [task["status"] for task in page["tasks"]]

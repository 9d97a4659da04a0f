"""The calls of the queue that say how tasks stand (``queue/v1/api.json``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.services.answers import has_task_status, is_page_of_statuses, is_page_of_task_group
from airflow_provider_taskcluster.services.paging import pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from airflow_provider_taskcluster.services.answers import Json, TaskStatus
    from airflow_provider_taskcluster.services.client import Client

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
        answer: Json = await self.client.call("queue", "status", task_id, fits=has_task_status)
        status: TaskStatus = answer["status"]
        return status

    async def statuses(self, task_ids: Sequence[str]) -> dict[str, TaskStatus]:
        """Many tasks, by id; unknown ones are left out. The call is marked experimental.

        One request for up to :data:`LARGEST_PAGE` of them. Scope ``queue:status:<taskId>`` for each: without one,
        the whole call is refused.
        """
        payload = {"taskIds": list(task_ids)}

        async def ask(query: dict[str, str]) -> Json:
            answer: Json = await self.client.call(
                "queue", "statuses", payload=payload, query=query, fits=is_page_of_statuses
            )
            return answer

        found: dict[str, TaskStatus] = {}
        async for page in pages(f"The statuses of {len(task_ids)} tasks", ask):
            found |= {entry["status"]["taskId"]: entry["status"] for entry in page["statuses"]}
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
                fits=is_page_of_task_group,
            )
            return answer

        async for page in pages(f"The list of task group {task_group_id}", ask):
            yield [task["status"] for task in page["tasks"]]

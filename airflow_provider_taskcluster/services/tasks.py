"""Calls of the queue about the status of tasks (``queue/v1/api.json``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import UnreadableAnswer
from airflow_provider_taskcluster.services.paging import pages
from airflow_provider_taskcluster.services.readers import SchemaMismatch
from airflow_provider_taskcluster.services.schemas import STATUS, STATUSES, TASK_GROUP
from airflow_provider_taskcluster.services.service_calls import ServiceCalls
from airflow_provider_taskcluster.services.task_definitions import required_tasks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from airflow_provider_taskcluster.services.schemas import Json, ListedTask, TaskStatus

# Tasks in one request for statuses, at most.
LARGEST_PAGE = 1000
# Lists of groups hold the definitions of tasks: a thousand may be some MiB, which blocks an event loop for too long.
GROUP_PAGE = 200


class Tasks(ServiceCalls):
    """Calls of the queue through one client."""

    async def status(self, task_id: str, *, once: bool = False) -> TaskStatus:
        """Return the status of one task. Scope ``queue:status:<taskId>``.

        :param once: Do not retry.
        :raises NotFound: There is no such task.
        """
        response: Json = await self.client.call("queue", "status", task_id, once=once, read=STATUS)
        status: TaskStatus = response["status"]
        return status

    async def statuses(self, task_ids: Sequence[str]) -> dict[str, TaskStatus | UnreadableAnswer]:
        """Return the statuses of many tasks, by ID; unknown tasks are left out. The call is marked experimental.

        If an entry cannot be read, all tasks without a readable one get an error.

        One request for up to :data:`LARGEST_PAGE` tasks. Scope ``queue:status:<taskId>`` for each: without one, the
        whole call is refused.
        """
        payload = {"taskIds": list(task_ids)}

        async def ask(query: dict[str, str]) -> Json:
            response: Json = await self.client.call("queue", "statuses", payload=payload, query=query, read=STATUSES)
            return response

        what = f"The statuses of {len(task_ids)} tasks"
        statuses: dict[str, TaskStatus | UnreadableAnswer] = {}
        unreadable = None
        async for page in pages(what, ask):
            for entry in page["statuses"]:
                try:
                    status: TaskStatus = STATUS(entry)["status"]
                except SchemaMismatch as error:
                    unreadable = UnreadableAnswer(f"{what} have an entry that cannot be read: {error}")
                else:
                    statuses[status["taskId"]] = status
        if unreadable:
            for task_id in task_ids:
                statuses.setdefault(task_id, unreadable)
        return statuses

    async def group(self, task_group_id: str) -> AsyncIterator[list[ListedTask]]:
        """Yield the statuses of all tasks of a group, page by page. Scope ``queue:list-task-group:<taskGroupId>``.

        The pages hold the definitions as well; of them only what unscheduled tasks wait for is kept.

        :raises NotFound: There is no such group.
        """

        async def ask(query: dict[str, str]) -> Json:
            response: Json = await self.client.call(
                "queue",
                "listTaskGroup",
                task_group_id,
                query={"limit": GROUP_PAGE, **query},
                read=TASK_GROUP,
            )
            return response

        async for page in pages(f"The list of task group {task_group_id}", ask):
            yield [_listed(task) for task in page["tasks"]]


def _listed(task: Json) -> ListedTask:
    status: ListedTask = task["status"]
    definition = task.get("task", {})
    if name := definition.get("tags", {}).get("label"):
        status["label"] = name
    if status["state"] == "unscheduled":
        status["required"] = required_tasks(definition)
    return status

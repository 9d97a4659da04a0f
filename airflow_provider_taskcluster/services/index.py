"""Calls of the index service, which finds tasks by path (``index/v1/api.json``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import UnreadableAnswer
from airflow_provider_taskcluster.services.paging import pages
from airflow_provider_taskcluster.services.readers import SchemaMismatch
from airflow_provider_taskcluster.services.schemas import INDEXED_TASK, INDEXED_TASKS
from airflow_provider_taskcluster.services.service_calls import ServiceCalls

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from airflow_provider_taskcluster.services.schemas import IndexedTask, Json


class Index(ServiceCalls):
    """Calls of the index service through one client."""

    async def find_task(self, index_path: str) -> IndexedTask:
        """Return the task at a path: completed, or inserted by hand. Scope ``index:find-task:<indexPath>``.

        :raises NotFound: There is none, or its entry has expired.
        """
        response: IndexedTask = await self.client.call("index", "findTask", index_path, read=INDEXED_TASK)
        return response

    async def insert_task(self, index_path: str, entry: Mapping[str, Any]) -> IndexedTask:
        """Insert a task at a path, and return the entry that is there now. Scope ``index:insert-task:<indexPath>``.

        :param entry: ``index/v1/insert-task-request.json``.
        """
        response: IndexedTask = await self.client.call(
            "index", "insertTask", index_path, payload=entry, read=INDEXED_TASK
        )
        return response

    async def find_tasks(self, index_paths: Collection[str]) -> dict[str, IndexedTask]:
        """Return the tasks at many paths, by path; paths without one are left out. The call is marked experimental.

        Scope ``index:find-task:<indexPath>`` for each: without one, the whole call is refused.

        :param index_paths: Distinct paths: the service fails if one is named twice.
        :raises UnreadableAnswer: An entry does not fit the published schema.
        """

        async def ask(query: dict[str, str]) -> Json:
            response: Json = await self.client.call(
                "index", "findTasksAtIndex", payload={"indexes": list(index_paths)}, query=query, read=INDEXED_TASKS
            )
            return response

        what = f"The tasks at {len(index_paths)} index paths"
        tasks: dict[str, IndexedTask] = {}
        async for page in pages(what, ask):
            for entry in page["tasks"]:
                try:
                    task: IndexedTask = INDEXED_TASK(entry)
                except SchemaMismatch as error:
                    raise UnreadableAnswer(f"{what} have an entry that cannot be read: {error}") from None
                tasks[task["namespace"]] = task
        return tasks

"""The index, which finds tasks by name (``index/v1/api.json``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import UnreadableAnswer
from airflow_provider_taskcluster.services.paging import pages
from airflow_provider_taskcluster.services.readers import SchemaMismatch
from airflow_provider_taskcluster.services.schemas import INDEXED_TASK, INDEXED_TASKS

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_taskcluster.services.client import Client
    from airflow_provider_taskcluster.services.schemas import IndexedTask, Json


@dataclass(frozen=True)
class Index:
    """Calls of the index service through one client."""

    client: Client

    async def find_task(self, index_path: str) -> IndexedTask:
        """The task at a path: completed, or put there by hand. Scope ``index:find-task:<indexPath>``.

        :raises NotFound: There is none, or its time in the index is over.
        """
        answer: IndexedTask = await self.client.call("index", "findTask", index_path, read=INDEXED_TASK)
        return answer

    async def find_tasks(self, index_paths: Collection[str]) -> dict[str, IndexedTask]:
        """The tasks at many paths, by path; paths without one are left out. The call is marked experimental.

        Scope ``index:find-task:<indexPath>`` for each: without one, the whole call is refused.

        :param index_paths: Each once: the service fails where one is named twice.
        :raises UnreadableAnswer: An entry is not of the shape that the service promises.
        """

        async def ask(query: dict[str, str]) -> Json:
            answer: Json = await self.client.call(
                "index", "findTasksAtIndex", payload={"indexes": list(index_paths)}, query=query, read=INDEXED_TASKS
            )
            return answer

        what = f"The tasks at {len(index_paths)} index paths"
        found: dict[str, IndexedTask] = {}
        async for page in pages(what, ask):
            for entry in page["tasks"]:
                try:
                    task: IndexedTask = INDEXED_TASK(entry)
                except SchemaMismatch as odd:
                    raise UnreadableAnswer(f"{what} have an entry that cannot be read: {odd}") from None
                found[task["namespace"]] = task
        return found

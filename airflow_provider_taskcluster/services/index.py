"""The index, which finds tasks by name (``index/v1/api.json``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.services.answers import INDEXED_TASK

if TYPE_CHECKING:
    from airflow_provider_taskcluster.services.answers import IndexedTask
    from airflow_provider_taskcluster.services.client import Client


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

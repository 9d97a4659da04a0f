"""The calls of the queue that following a log takes, as blocking functions that the hook can stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.services.artifacts import Artifacts
from airflow_provider_taskcluster.services.runner import run
from airflow_provider_taskcluster.services.task_changes import TaskChanges
from airflow_provider_taskcluster.services.tasks import Tasks

if TYPE_CHECKING:
    from airflow_provider_taskcluster.services.client import Client
    from airflow_provider_taskcluster.services.schemas import Json, TaskStatus


@dataclass(frozen=True)
class LogCalls:
    """Calls about one task. None is retried: whoever follows a log asks again."""

    client: Client
    task_id: str

    def status(self) -> TaskStatus:
        """``status``."""
        return run(Tasks(self.client).status(self.task_id, once=True))

    def definition(self) -> Json:
        """``task``."""
        return run(TaskChanges(self.client).definition(self.task_id))

    def artifact_names(self, run_id: int) -> set[str]:
        """``listArtifacts``: the names of all artifacts of a run."""

        async def names() -> set[str]:
            pages = Artifacts(self.client).pages(self.task_id, run_id)
            return {info["name"] async for page in pages for info in page}

        return run(names())

    def content(self, run_id: int, name: str) -> Json:
        """``artifact``: where the bytes are; links are followed."""
        return run(Artifacts(self.client).content(self.task_id, name, run_id, once=True))

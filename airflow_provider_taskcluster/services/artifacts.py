"""The calls of the queue that read artifacts (``queue/v1/api.json``). A ``run_id`` of None is the latest run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.services.answers import having, is_content, is_status
from airflow_provider_taskcluster.services.paging import pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_taskcluster.services.answers import ArtifactInfo, Json, Run
    from airflow_provider_taskcluster.services.client import Client


@dataclass(frozen=True)
class Artifacts:
    """Calls of the queue through one client."""

    client: Client

    async def pages(self, task_id: str, run_id: int | None) -> AsyncIterator[list[ArtifactInfo]]:
        """All artifacts, page by page. Scope ``queue:list-artifacts:<taskId>[:<runId>]``.

        Object artifacts are listed before their upload is finished.
        """

        async def ask(query: dict[str, str]) -> Json:
            answer: Json = await self._call(
                "listLatestArtifacts", "listArtifacts", task_id, run_id, query=query, fits=having(artifacts=list)
            )
            return answer

        async for page in pages(f"The list of artifacts of task {task_id}", ask):
            yield page["artifacts"]

    async def runs(self, task_id: str) -> list[Run]:
        """The runs of a task. Scope ``queue:status:<taskId>``."""
        answer = await self.client.call("queue", "status", task_id, fits=is_status)
        runs: list[Run] = answer["status"]["runs"]
        return runs

    async def info(self, task_id: str, name: str, run_id: int | None) -> ArtifactInfo:
        """One artifact that is present. Scope ``queue:list-artifacts:<taskId>[:<runId>]``."""
        fits = having(storageType=str, name=str, expires=str, contentType=str)
        answer: ArtifactInfo = await self._call("latestArtifactInfo", "artifactInfo", task_id, run_id, name, fits=fits)
        return answer

    async def content(self, task_id: str, name: str, run_id: int | None, *, once: bool = False) -> Json:
        """Where the bytes are, by storage type; links are followed. Scope ``queue:get-artifact:<name>``."""
        answer: Json = await self._call("latestArtifact", "artifact", task_id, run_id, name, once=once, fits=is_content)
        return answer

    def url(self, task_id: str, name: str, run_id: int | None, signed_for: int | None = None) -> str:
        """URL that redirects to the bytes. Scope ``queue:get-artifact:<name>``."""
        if run_id is None:
            return self.client.url("queue", "getLatestArtifact", task_id, name, signed_for=signed_for)
        return self.client.url("queue", "getArtifact", task_id, run_id, name, signed_for=signed_for)

    async def _call(
        self, latest: str, of_run: str, task_id: str, run_id: int | None, *rest: str, **options: Any
    ) -> Any:
        if run_id is None:
            return await self.client.call("queue", latest, task_id, *rest, **options)
        return await self.client.call("queue", of_run, task_id, run_id, *rest, **options)

"""Calls of the queue about artifacts (``queue/v1/api.json``).

In calls that read artifacts, a ``run_id`` of None means the latest run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.services.paging import pages
from airflow_provider_taskcluster.services.schemas import (
    ARTIFACT,
    ARTIFACTS,
    CONTENT,
    NO_CONTENT,
    REDIRECT,
    created_artifact,
)
from airflow_provider_taskcluster.services.service_calls import ServiceCalls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from airflow_provider_taskcluster.services.schemas import ArtifactInfo, Json


class Artifacts(ServiceCalls):
    """Calls of the queue through one client."""

    async def pages(self, task_id: str, run_id: int | None) -> AsyncIterator[list[ArtifactInfo]]:
        """Yield all artifacts, page by page. Scope ``queue:list-artifacts:<taskId>[:<runId>]``.

        Object artifacts are listed before their upload is finished.
        """

        async def ask(query: dict[str, str]) -> Json:
            response: Json = await self._call(
                "listLatestArtifacts", "listArtifacts", task_id, run_id, query=query, read=ARTIFACTS
            )
            return response

        async for page in pages(f"The list of artifacts of task {task_id}", ask):
            yield page["artifacts"]

    async def info(self, task_id: str, name: str, run_id: int | None, *, once: bool = False) -> ArtifactInfo:
        """Return one artifact that is present. Scope ``queue:list-artifacts:<taskId>[:<runId>]``."""
        response: ArtifactInfo = await self._call(
            "latestArtifactInfo", "artifactInfo", task_id, run_id, name, once=once, read=ARTIFACT
        )
        return response

    async def content(self, task_id: str, name: str, run_id: int | None, *, once: bool = False) -> Json:
        """Return where the bytes are, by storage type; links are followed. Scope ``queue:get-artifact:<name>``."""
        response: Json = await self._call("latestArtifact", "artifact", task_id, run_id, name, once=once, read=CONTENT)
        return response

    async def redirect(self, task_id: str, name: str, run_id: int | None) -> Json:
        """Return the URL that a browser is redirected to, and the storage type. Scope ``queue:get-artifact:<name>``."""
        response: Json = await self._call(
            "getLatestArtifact", "getArtifact", task_id, run_id, name, see_other=True, read=REDIRECT
        )
        return response

    async def create(
        self, task_id: str, run_id: int, name: str, request: Mapping[str, Any], *, once: bool = False
    ) -> Json:
        """Announce an artifact. Scope ``queue:create-artifact:<taskId>/<runId>``."""
        read = created_artifact(str(request.get("storageType")))
        response: Json = await self.client.call(
            "queue", "createArtifact", task_id, run_id, name, payload=request, once=once, read=read
        )
        return response

    async def finish(self, task_id: str, run_id: int, name: str, upload_id: str, *, once: bool = False) -> None:
        """Make an object artifact present. Scope ``queue:create-artifact:<taskId>/<runId>``."""
        request = {"uploadId": upload_id}
        await self.client.call(
            "queue", "finishArtifact", task_id, run_id, name, payload=request, once=once, read=NO_CONTENT
        )

    async def _call(
        self, latest: str, of_run: str, task_id: str, run_id: int | None, *rest: str, **options: Any
    ) -> Any:
        if run_id is None:
            return await self.client.call("queue", latest, task_id, *rest, **options)
        return await self.client.call("queue", of_run, task_id, run_id, *rest, **options)

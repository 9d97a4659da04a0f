"""The JSON services as the transfer engine wants them: plain functions, run in the loop thread."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.exceptions import InsufficientScopes, NotFound, TaskclusterError
from airflow_provider_taskcluster.services import credentials
from airflow_provider_taskcluster.services.artifacts import Artifacts
from airflow_provider_taskcluster.services.loop import run
from airflow_provider_taskcluster.services.objects import Objects
from airflow_provider_taskcluster.services.tasks import Tasks
from airflow_provider_taskcluster.waits.conditions.near_misses import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_taskcluster.services.client import Client
    from airflow_provider_taskcluster.services.schemas import ArtifactInfo
    from airflow_provider_taskcluster.transfer.model import ArtifactState

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineServices:
    """``ObjectService``, ``ArtifactService`` and ``ArtifactPublisher`` of the engine, through one client."""

    client: Client

    def create_upload(self, name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """``createUpload``."""
        return run(Objects(self.client).create_upload(name, request))

    def finish_upload(self, name: str, request: Mapping[str, Any]) -> None:
        """``finishUpload``."""
        run(Objects(self.client).finish_upload(name, request))

    def start_download(self, name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """``startDownload``."""
        return run(Objects(self.client).start_download(name, request))

    def object_metadata(self, name: str) -> Mapping[str, Any]:
        """``object``."""
        return run(Objects(self.client).metadata(name))

    def artifact_content(self, task_id: str, name: str, run_id: int | None, *, once: bool) -> dict[str, Any]:
        """``artifact`` or ``latestArtifact``; ``once`` for a call that is expected to fail.

        :raises NotFound: Lists what the run has instead, if that can be asked for.
        """
        try:
            return run(Artifacts(self.client).content(task_id, name, run_id, once=once))
        except NotFound as error:
            said, mark, advice = str(error).rpartition("; ")
            there = "" if once or not mark else self._instead(task_id, name, run_id)
            raise NotFound(f"{said}{there}{mark}{advice}", status=error.status, code=error.code) from None

    def _instead(self, task_id: str, name: str, run_id: int | None) -> str:
        try:
            listed = next(self.artifact_pages(task_id, run_id), [])
        except TaskclusterError as error:
            log.debug("What there is instead of %r is not known: %s", name, visible(error))
            return ""
        present = [info["name"] for info in listed]
        return "" if name in present else f" ({suggestion([name], present)})"

    def artifact_pages(self, task_id: str, run_id: int | None) -> Iterator[list[ArtifactInfo]]:
        """``listArtifacts`` or ``listLatestArtifacts``, page by page."""
        pages = Artifacts(self.client).pages(task_id, run_id)

        async def following() -> list[ArtifactInfo] | None:
            return await anext(pages, None)

        while (page := run(following())) is not None:
            yield page

    def latest_run(self, task_id: str) -> int | None:
        """Number of the last run, by ``status``; None if the client may not know it."""
        try:
            runs = run(Tasks(self.client).status(task_id))["runs"]
        except InsufficientScopes as error:
            log.info(
                "Which run is the latest is not known, so what it has is fetched whichever it is: %s", visible(error)
            )
            return None
        return runs[-1]["runId"] if runs else None

    def artifact_info(self, task_id: str, name: str, run_id: int | None) -> ArtifactInfo:
        """``artifactInfo`` or ``latestArtifactInfo``."""
        return run(Artifacts(self.client).info(task_id, name, run_id))

    def artifact_redirect(self, task_id: str, name: str, run_id: int | None) -> dict[str, Any]:
        """``getArtifact`` or ``getLatestArtifact``, not followed."""
        return run(Artifacts(self.client).redirect(task_id, name, run_id))

    def create_artifact(self, task_id: str, run_id: int, name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """``createArtifact``, asked once: not every repetition of it is harmless."""
        return run(Artifacts(self.client).create(task_id, run_id, name, request, once=True))

    def finish_artifact(self, task_id: str, run_id: int, name: str, upload_id: str) -> None:
        """``finishArtifact``, asked once: an error may hide that it has done its work."""
        run(Artifacts(self.client).finish(task_id, run_id, name, upload_id, once=True))

    def artifact_is_present(self, task_id: str, run_id: int, name: str) -> bool:
        """``artifactInfo``, asked once."""
        try:
            run(Artifacts(self.client).info(task_id, name, run_id, once=True))
        except NotFound:
            return False
        return True

    def artifact_state(self, task_id: str, run_id: int, name: str) -> ArtifactState:
        """``artifactInfo``, and for what is not present ``listArtifacts``, which knows what is announced."""
        return run(self._artifact_state(task_id, run_id, name))

    async def _artifact_state(self, task_id: str, run_id: int, name: str) -> ArtifactState:
        artifacts = Artifacts(self.client)
        with contextlib.suppress(NotFound):
            await artifacts.info(task_id, name, run_id)
            return "present"
        async for page in artifacts.pages(task_id, run_id):
            if any(info["name"] == name for info in page):
                return "announced"
        return "absent"

    def objects_as(self, granted: Mapping[str, str]) -> EngineServices:
        """Return the same under the credentials that the queue gave for one artifact.

        They are not given to Airflow's masker, which gets slower with each secret it knows (300 of these took it 57 s):
        they hold for one name and an hour, and no log line of ours or of the libraries below shows them.
        """
        return EngineServices(self.client.acting_as(credentials.from_service(granted)))

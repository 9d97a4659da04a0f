"""The JSON services as blocking functions for the transfer engine; each call blocks its thread."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.exceptions import InsufficientScopes, NotFound, TaskclusterError
from airflow_provider_taskcluster.services import credentials
from airflow_provider_taskcluster.services.artifacts import Artifacts
from airflow_provider_taskcluster.services.objects import Objects
from airflow_provider_taskcluster.services.runner import run
from airflow_provider_taskcluster.services.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_taskcluster.services.client import Client
    from airflow_provider_taskcluster.services.schemas import ArtifactInfo
    from airflow_provider_taskcluster.transfer.model import ArtifactState

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineServices:
    """Implements ``ObjectService``, ``ArtifactService`` and ``ArtifactPublisher`` of the engine with one client."""

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

        :raises NotFound: Its message lists similar artifacts of the run, if the client may list them.
        """
        try:
            return run(Artifacts(self.client).content(task_id, name, run_id, once=once))
        except NotFound as error:
            problem, separator, advice = str(error).rpartition("; ")
            alternatives = "" if once or not separator else self._alternatives(task_id, name, run_id)
            raise NotFound(
                f"{problem}{alternatives}{separator}{advice}", status=error.status, code=error.code
            ) from None

    def _alternatives(self, task_id: str, name: str, run_id: int | None) -> str:
        from airflow_provider_taskcluster.waits.conditions.near_misses import suggestion

        try:
            listed = next(self.artifact_pages(task_id, run_id), [])
        except TaskclusterError as error:
            log.debug("The alternatives to %r are not known: %s", name, visible(error))
            return ""
        present = [info["name"] for info in listed]
        return "" if name in present else f" ({suggestion([name], present)})"

    def artifact_pages(self, task_id: str, run_id: int | None) -> Iterator[list[ArtifactInfo]]:
        """``listArtifacts`` or ``listLatestArtifacts``, page by page."""
        pages = Artifacts(self.client).pages(task_id, run_id)

        async def next_page() -> list[ArtifactInfo] | None:
            return await anext(pages, None)

        while (page := run(next_page())) is not None:
            yield page

    def latest_run(self, task_id: str) -> int | None:
        """Number of the latest run, by ``status``; None if the client lacks the scope."""
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
        """``createArtifact`` without retries: it is not idempotent."""
        return run(Artifacts(self.client).create(task_id, run_id, name, request, once=True))

    def finish_artifact(self, task_id: str, run_id: int, name: str, upload_id: str) -> None:
        """``finishArtifact`` without retries: it may succeed and respond with an error all the same."""
        run(Artifacts(self.client).finish(task_id, run_id, name, upload_id, once=True))

    def artifact_is_present(self, task_id: str, run_id: int, name: str) -> bool:
        """``artifactInfo`` without retries."""
        try:
            run(Artifacts(self.client).info(task_id, name, run_id, once=True))
        except NotFound:
            return False
        return True

    def artifact_state(self, task_id: str, run_id: int, name: str) -> ArtifactState:
        """``artifactInfo``, and if it finds nothing ``listArtifacts``, which has announced artifacts, too."""
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
        """Return the same services with the credentials that the queue issued for one artifact.

        Airflow's secrets masker does not get them, because each secret slows it down (300 of these took 57 s). They are
        valid for one name and one hour, and neither this package nor its libraries log them.
        """
        return EngineServices(self.client.acting_as(credentials.from_service(granted)))

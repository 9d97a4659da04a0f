"""The result of a run for XCom, and what is fetched from it: artifacts to a folder, a small JSON artifact."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common.arguments import path_or_url, pattern_list, text
from airflow_provider_taskcluster.common.messages import one_line, visible
from airflow_provider_taskcluster.exceptions import InsufficientScopes, NotAsAnnounced, TooLarge
from airflow_provider_taskcluster.waits.conditions.runs import worker_of

if TYPE_CHECKING:
    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
    from airflow_provider_taskcluster.services.schemas import TaskRun
    from airflow_provider_taskcluster.tasks.ran_task import RanTask
    from airflow_provider_taskcluster.transfer.payload.model import PayloadSummary

log = logging.getLogger(__name__)

# Limits of XCom: names of artifacts, and bytes of a result artifact.
MAX_ARTIFACTS = 100
MAX_RESULT = 64 * 1024


@dataclass(frozen=True)
class RunArtifacts:
    """The artifacts of one run."""

    hook: TaskclusterHook
    task_id: str
    run: TaskRun

    def summary(self) -> RanTask:
        """Return the run, with the names of its artifacts. Scope ``queue:list-artifacts:<taskId>:<runId>``."""
        run, names = self.run, self._names()
        return {
            "task_id": self.task_id,
            "run_id": run["runId"],
            "state": run["state"],
            "reason_resolved": run.get("reasonResolved"),
            "started": run.get("started"),
            "resolved": run.get("resolved"),
            "worker": worker_of(run),
            "artifact_count": None if names is None else len(names),
            "artifacts": None if names is None else names[:MAX_ARTIFACTS],
        }

    def _names(self) -> list[str] | None:
        try:
            return [visible(info["name"]) for info in self.hook.list_artifacts(self.task_id, self.run["runId"])]
        except InsufficientScopes as error:
            log.warning("The result has no list of artifacts: %s", visible(error))
            return None

    def download(self, patterns: Any, destination: Any) -> PayloadSummary:
        """Download the artifacts that match patterns to a folder, several at once.

        :param patterns: As ``include`` of ``TaskclusterDownloadPayloadOperator``.
        :param destination: A folder, or the URL of one.
        :raises NotFound: None matches.
        """
        payload = self.hook.open_payload(self.task_id, self.run["runId"])
        result = payload.download(
            path_or_url(destination, "destination"), include=pattern_list(patterns, "download"), if_none="fail"
        )
        return result.as_dict()

    def read_json(self, name: Any) -> Any:
        """Return the content of a small JSON artifact.

        :raises TooLarge: It has more than 64 KiB.
        :raises NotAsAnnounced: It is not JSON.
        """
        name = text(name, "result_artifact")
        what = f"Artifact {name!r} of task {self.task_id}"
        try:
            return json.loads(self.hook.read_artifact(self.task_id, name, self.run["runId"], max_bytes=MAX_RESULT))
        except TooLarge:
            raise TooLarge(f"{what} has more than {MAX_RESULT} bytes: download it in place of returning it") from None
        except (ValueError, RecursionError) as error:
            raise NotAsAnnounced(f"{what} is not JSON ({one_line(error)}): name another result_artifact") from None

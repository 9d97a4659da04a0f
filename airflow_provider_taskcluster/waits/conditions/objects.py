"""The wait for objects. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.waits.protocol import Found, NotYet
from airflow_provider_taskcluster.waits.questions import MetadataOf

if TYPE_CHECKING:
    from airflow_provider_taskcluster.waits.protocol import LookSteps
    from airflow_provider_taskcluster.waits.results import FinishedObject


@dataclass(frozen=True, kw_only=True)
class ObjectWait:
    """Uploads of objects are finished. Found: ``objects``, each with name, project_id, expires and hashes.

    The service answers alike for a missing object and for an unfinished upload, so that this wait never fails early.

    :param names: One or more.
    :param require: ``all`` of them, or ``any`` one.
    """

    names: list[str]
    require: str = "all"

    service = "object"

    def talk(self, root_url: str, memory: Any) -> LookSteps:  # noqa: ARG002 (the protocol's)
        """Look once. Scope ``object:download:<name>``."""
        answers = yield [MetadataOf(name) for name in self.names]
        finished: list[FinishedObject] = [
            {
                "name": name,
                "project_id": metadata["projectId"],
                "expires": metadata["expires"],
                "hashes": metadata["hashes"],
            }
            for name in self.names
            if (metadata := answers[MetadataOf(name)]) is not None
        ]
        if len(finished) == len(self.names) or (finished and self.require == "any"):
            return Found({"objects": finished})
        missing = [name for name in self.names if answers[MetadataOf(name)] is None]
        return NotYet(f"{len(missing)} of {len(self.names)} objects are not finished, {missing[0]!r} for one")

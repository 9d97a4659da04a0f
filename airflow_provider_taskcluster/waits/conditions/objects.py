"""The wait for objects. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.waits.protocol import Found, NotYet
from airflow_provider_taskcluster.waits.questions import MetadataOf

if TYPE_CHECKING:
    from airflow_provider_taskcluster.waits.protocol import Talking
    from airflow_provider_taskcluster.waits.results import FinishedObject


@dataclass(frozen=True, kw_only=True)
class ObjectWait:
    """Uploads of objects are finished. Found: ``objects``, each with name, project_id, expires and hashes.

    The service does not tell an object that is not there from one whose upload goes on, so this can only wait.

    :param names: One or more.
    :param require: ``all`` of them, or ``any`` one.
    """

    names: list[str]
    require: str = "all"

    service = "object"

    def talk(self, root_url: str, memory: Any) -> Talking:  # noqa: ARG002 (the protocol's)
        """Look once. Scope ``object:download:<name>``."""
        answers = yield [MetadataOf(name) for name in self.names]
        found: list[FinishedObject] = [
            {
                "name": name,
                "project_id": metadata["projectId"],
                "expires": metadata["expires"],
                "hashes": metadata["hashes"],
            }
            for name in self.names
            if (metadata := answers[MetadataOf(name)]) is not None
        ]
        if len(found) == len(self.names) or (found and self.require == "any"):
            return Found({"objects": found})
        missing = [name for name in self.names if answers[MetadataOf(name)] is None]
        return NotYet(f"{len(missing)} of {len(self.names)} objects are not finished, {missing[0]!r} for one")

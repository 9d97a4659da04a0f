"""Finds the artifacts with the log of one run. A log that is missing may come later."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.exceptions import InsufficientScopes, NotFound, TaskclusterError
from airflow_provider_taskcluster.tasks.status_watch import FailureLog

if TYPE_CHECKING:
    from airflow_provider_taskcluster.services.schemas import Json
    from airflow_provider_taskcluster.tasks.log_calls import LogCalls
    from airflow_provider_taskcluster.tasks.log_names import LogNames

log = logging.getLogger(__name__)

_REFERENCE = "reference"


class LogFinder:
    """Where the log of a run is now.

    :param names: Names of its artifacts. If a default one is missing, the definition of the task may rename it.
    """

    def __init__(self, calls: LogCalls, run_id: int, names: LogNames) -> None:
        self.names = names
        self._calls = calls
        self._run_id = run_id
        self._failures = FailureLog()
        self._definition_read = not names.are_default

    @property
    def failing(self) -> bool:
        """Whether the last call failed: the log may exist."""
        return self._failures.failing

    def live_url(self) -> str | None:
        """Return the URL of the live stream; None if there is none now."""
        content = self._content(self.names.live)
        if content is None and self._renames():
            content = self._content(self.names.live)
        return content["url"] if content is not None and content["storageType"] == _REFERENCE else None

    def stored_name(self) -> str | None:
        """Return the name of an artifact with the whole log in the store; None if there is none now."""
        for name in (self.names.backing, self.names.live):
            if self._is_stored(name):
                return name
        return self.stored_name() if self._renames() else None

    def is_listed(self) -> bool:
        """Tell whether the run lists a log, stored or not; True if nobody knows. Scope ``queue:list-artifacts:...``."""
        try:
            return not self._calls.artifact_names(self._run_id).isdisjoint({self.names.live, self.names.backing})
        except TaskclusterError as error:
            log.debug("Whether the run lists a log cannot be looked up: %s", visible(error))
            return True

    def _is_stored(self, name: str) -> bool:
        content = self._content(name)
        return content is not None and content["storageType"] != _REFERENCE

    def _content(self, name: str) -> Json | None:
        """Ask where the bytes of an artifact are; None if it is missing, or nobody knows."""
        try:
            content = self._calls.content(self._run_id, name)
        except NotFound:
            content = None
        except TaskclusterError as error:
            self._failures.failed(error)
            return None
        self._failures.passed()
        return content

    def _renames(self) -> bool:
        """Read the definition of the task, once; return whether it renames the artifacts."""
        before = self.names
        if self._definition_read or self.failing:
            return False
        try:
            self.names = before.renamed_by(self._calls.definition())
        except (InsufficientScopes, NotFound) as error:
            log.debug("Whether the task renames its logs cannot be looked up: %s", visible(error))
        except TaskclusterError as error:
            self._failures.failed(error)
            return False
        self._definition_read = True
        return self.names != before

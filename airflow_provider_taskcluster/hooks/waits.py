"""The hook's looks at what is waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster.hooks.base import TaskclusterBaseHook
from airflow_provider_taskcluster.waits.looking import look

if TYPE_CHECKING:
    from airflow_provider_taskcluster.waits.talk import Verdict, Wait


class WaitsHook(TaskclusterBaseHook):
    """Waits, one look at a time."""

    def look(self, wait: Wait) -> Verdict:
        """Look once whether it is there, and whether it can still come (``waits`` has the kinds of waits)."""
        verdict: Verdict = self._run(look(wait, self.client))
        return verdict

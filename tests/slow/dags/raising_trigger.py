"""A trigger for waits_that_end.py, in a module that a triggerer can import."""

from __future__ import annotations

from airflow_provider_taskcluster.triggers.waits import TaskclusterWaitTrigger


class RaisingTrigger(TaskclusterWaitTrigger):
    """One that crashes in a way that it does not survive."""

    async def run(self):
        raise RuntimeError("boom")
        yield

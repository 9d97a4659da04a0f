"""The trigger that follows the run of a task, and cancels it when a user ends the deferred Airflow task."""

from __future__ import annotations

import logging
from typing import Any

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.exceptions import TaskclusterError
from airflow_provider_taskcluster.hooks.asynchronous import TaskclusterAsyncHook
from airflow_provider_taskcluster.triggers.waits import TaskclusterWaitTrigger

log = logging.getLogger(__name__)


class TaskclusterRunTrigger(TaskclusterWaitTrigger):
    """Waits for the end of a run, as ``TaskclusterWaitTrigger`` does; its ``wait`` is a ``RunWait``.

    :param cancel: Cancel the task if a user marks the deferred Airflow task or clears it (Airflow 3.3 and later). A
        triggerer that stops or restarts cancels nothing.
    :param options: Those of ``TaskclusterWaitTrigger``.
    """

    def __init__(self, *, cancel: bool, **options: Any) -> None:
        super().__init__(**options)
        self.cancel = cancel

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return all that another triggerer needs to go on."""
        path, options = super().serialize()
        return path, {**options, "cancel": self.cancel}

    async def on_kill(self) -> None:
        """Cancel the task, and wait for nothing: its worker may go on for minutes."""
        if not self.cancel:
            return
        task_id = self.wait["task_id"]
        try:
            async with await TaskclusterAsyncHook.open(
                self.taskcluster_conn_id, connect_timeout=self.connect_timeout, read_timeout=self.read_timeout
            ) as hook:
                status = await hook.cancel_task(task_id)
        except TaskclusterError as error:
            log.warning("Task %r could not be canceled: %s", task_id, visible(error))
        else:
            log.info("Canceled task %r: it is %s", task_id, visible(status["state"]))

"""The triggers that follow a run or a group of tasks, and cancel it when a user ends the deferred Airflow task."""

from __future__ import annotations

import logging
from abc import abstractmethod
from typing import Any

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.exceptions import TaskclusterError
from airflow_provider_taskcluster.hooks.asynchronous import TaskclusterAsyncHook
from airflow_provider_taskcluster.hooks.group_calls import canceled_group
from airflow_provider_taskcluster.hooks.task_calls import canceled_task
from airflow_provider_taskcluster.triggers.waits import TaskclusterWaitTrigger

log = logging.getLogger(__name__)


class TaskclusterCancelingTrigger(TaskclusterWaitTrigger):
    """Base of triggers that cancel what they wait for.

    :param cancel: Cancel it if a user marks the deferred Airflow task or clears it (Airflow 3.3 and later). A triggerer
        that stops or restarts cancels nothing.
    :param options: Those of ``TaskclusterWaitTrigger``.
    """

    def __init__(self, *, cancel: bool, **options: Any) -> None:
        super().__init__(**options)
        self.cancel = cancel

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return all that another triggerer needs to go on."""
        path, options = super().serialize()
        return path, {**options, "cancel": self.cancel}

    @property
    @abstractmethod
    def followed(self) -> str:
        """Name of the task or group that the trigger waits for, for the log."""

    @abstractmethod
    async def cancel_followed(self, hook: TaskclusterAsyncHook) -> str:
        """Cancel what is waited for; return a sentence for the log."""

    async def on_kill(self) -> None:
        """Cancel, and wait for nothing: workers may go on for minutes."""
        if not self.cancel:
            return
        try:
            async with await TaskclusterAsyncHook.open(
                self.taskcluster_conn_id, connect_timeout=self.connect_timeout, read_timeout=self.read_timeout
            ) as hook:
                log.info("%s", visible(await self.cancel_followed(hook)))
        except TaskclusterError as error:
            log.warning("%s could not be canceled: %s", visible(self.followed), visible(error))


class TaskclusterRunTrigger(TaskclusterCancelingTrigger):
    """Waits for the end of a run, as ``TaskclusterWaitTrigger`` does; its ``wait`` is a ``RunWait``."""

    @property
    def followed(self) -> str:
        """See the base class."""
        return f"Task {self.wait['task_id']!r}"

    async def cancel_followed(self, hook: TaskclusterAsyncHook) -> str:
        """See the base class."""
        return canceled_task(await hook.cancel_task(self.wait["task_id"]))


class TaskclusterTaskGroupTrigger(TaskclusterCancelingTrigger):
    """Waits for the ends of the tasks of a sealed group; its ``wait`` is a ``GroupRunWait``."""

    @property
    def followed(self) -> str:
        """See the base class."""
        return f"Task group {self.wait['task_group_id']!r}"

    async def cancel_followed(self, hook: TaskclusterAsyncHook) -> str:
        """See the base class."""
        return canceled_group(await hook.cancel_task_group(self.wait["task_group_id"]))

"""Calls of the queue about groups of tasks (``queue/v1/api.json``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster.services.schemas import CANCELED_GROUP, GROUP_INFO
from airflow_provider_taskcluster.services.service_calls import ServiceCalls

if TYPE_CHECKING:
    from airflow_provider_taskcluster.services.schemas import CanceledTaskGroup, TaskGroupInfo


class TaskGroups(ServiceCalls):
    """Calls of the queue through one client. Each may be repeated."""

    async def info(self, task_group_id: str) -> TaskGroupInfo:
        """Return a group without its tasks. Scope ``queue:list-task-group:<taskGroupId>``.

        :raises NotFound: There is no such group.
        """
        found: TaskGroupInfo = await self.client.call("queue", "getTaskGroup", task_group_id, read=GROUP_INFO)
        return found

    async def seal(self, task_group_id: str) -> TaskGroupInfo:
        """Seal a group: it takes no more tasks.

        :raises NotFound: There is no such group.
        """
        sealed: TaskGroupInfo = await self.client.call("queue", "sealTaskGroup", task_group_id, read=GROUP_INFO)
        return sealed

    async def cancel(self, task_group_id: str) -> CanceledTaskGroup:
        """Seal a group, and cancel its tasks that are not resolved: the queue cancels no group that is not sealed.

        :raises NotFound: There is no such group.
        """
        await self.seal(task_group_id)
        canceled: CanceledTaskGroup = await self.client.call(
            "queue", "cancelTaskGroup", task_group_id, read=CANCELED_GROUP
        )
        return canceled

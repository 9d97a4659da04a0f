"""The calls of the hook about many tasks and their groups, written once, as coroutines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.exceptions import TaskclusterError
from airflow_provider_taskcluster.services.task_groups import TaskGroups

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_taskcluster.services.client import Client
    from airflow_provider_taskcluster.services.schemas import CanceledTaskGroup, TaskGroupInfo, TaskStatus


def canceled_group(canceled: CanceledTaskGroup) -> str:
    """Say for a log what a cancel of a group has done."""
    count, size = canceled["cancelledCount"], canceled["taskGroupSize"]
    return f"Canceled task group {canceled['taskGroupId']!r}: {count} of its {size} tasks had not ended"


class GroupCalls:
    """Calls of the queue through one client."""

    client: Client

    async def task_group(self, task_group_id: str) -> TaskGroupInfo:
        """Return a task group without its tasks: its scheduler, its expiry, and ``sealed`` once it is.

        Scope ``queue:list-task-group:<taskGroupId>``.

        :raises NotFound: There is no such group.
        """
        return await TaskGroups(self.client).info(names.task_id(task_group_id))

    async def seal_task_group(self, task_group_id: str) -> TaskGroupInfo:
        """Seal a task group, so that it takes no more tasks; nothing unseals it. May be repeated.

        Scope ``queue:seal-task-group:<schedulerId>/<taskGroupId>``.

        :raises NotFound: There is no such group.
        """
        return await TaskGroups(self.client).seal(names.task_id(task_group_id))

    async def cancel_task_group(self, task_group_id: str) -> CanceledTaskGroup:
        """Seal a task group, and cancel all its tasks that are not resolved. May be repeated.

        The workers are not told: they may go on for minutes. Scopes
        ``queue:seal-task-group:<schedulerId>/<taskGroupId>``, ``queue:cancel-task-group:<schedulerId>/<taskGroupId>``.

        :return: ``taskGroupSize``, ``cancelledCount``, and in ``taskIds`` the tasks that this call canceled.
        :raises NotFound: There is no such group.
        """
        return await TaskGroups(self.client).cancel(names.task_id(task_group_id))

    async def task_statuses(self, task_ids: Iterable[str]) -> dict[str, TaskStatus]:
        """Return the statuses of many tasks, by id; unknown tasks are left out. One request for up to 1,000 tasks.

        Scope ``queue:status:<taskId>`` for each.
        """
        from airflow_provider_taskcluster.waits.batching import Batcher
        from airflow_provider_taskcluster.waits.questions import StatusOf

        questions = [StatusOf(names.task_id(task_id)) for task_id in task_ids]
        answers = await Batcher(self.client).ask(dict.fromkeys(questions))
        if error := next((answer for answer in answers.values() if isinstance(answer, TaskclusterError)), None):
            raise error
        return {asked.task_id: answers[asked] for asked in questions if answers[asked] is not None}
